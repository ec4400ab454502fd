//! Who may ask: over the wire, only that the guard stands before every route. Its rules are tested beside its code.

use std::sync::Arc;

use serde_json::json;
use wright_provider::replay::ScriptedProvider;
use wright_server::{Address, Config, Models, Server, ServerError, Token};

use crate::client::{Request, exchange};
use crate::served::Served;

const TOKEN: &str = "0123456789abcdef";

const ROUTES: [&str; 12] = [
    "/health",
    "/props",
    "/slots",
    "/v1/models",
    "/infill",
    "/completion",
    "/completions",
    "/v1/completions",
    "/v1/chat/completions",
    "/v1/responses",
    "/no/such/route",
    "/",
];

fn provider() -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::answering(&["x"]))
}

/// Returns a request that the route would answer.
fn request(route: &str) -> Request {
    let is_get = ["/health", "/props", "/slots", "/v1/models", "/"].contains(&route);
    let body = json!({ "prompt": "a", "input": "a", "messages": [{ "role": "user", "content": "a" }] });
    if is_get { Request::get(route) } else { Request::post(route, &body) }
}

#[tokio::test]
async fn no_route_answers_a_foreign_host_or_page_or_a_client_without_the_token() {
    let config = Config { token: Token::new(TOKEN), ..Config::default() };
    let provider = provider();
    let served = Served::start(Arc::clone(&provider) as _, config).await;
    for route in ROUTES {
        let with_token = request(route).header("Authorization", &format!("Bearer {TOKEN}"));
        let foreign_host = with_token.clone().header("Host", "evil.example").send(served.address).await;
        assert_eq!((foreign_host.status, foreign_host.code().as_str()), (403, "host_not_allowed"), "{route}");
        let foreign_page = with_token.clone().header("Origin", "https://evil.example").send(served.address).await;
        assert_eq!((foreign_page.status, foreign_page.code().as_str()), (403, "origin_not_allowed"), "{route}");
        assert_eq!(foreign_page.header("access-control-allow-origin"), None);
        let without_token = request(route).send(served.address).await;
        assert_eq!((without_token.status, without_token.code().as_str()), (401, "invalid_api_key"), "{route}");
    }
    assert!(provider.requests().is_empty());
    for route in ROUTES {
        let reply = request(route).header("Authorization", &format!("Bearer {TOKEN}")).send(served.address).await;
        let expected = if ["/", "/no/such/route"].contains(&route) { 404 } else { 200 };
        assert_eq!(reply.status, expected, "{route}: {reply:?}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_first_and_then_send() {
    let config = Config { allowed_origins: vec!["http://localhost:3000".to_owned()], ..Config::default() };
    let served = Served::start(provider(), config).await;
    let page = |request: Request| request.header("Origin", "http://localhost:3000");
    let asked = page(Request::get("/v1/completions").method("OPTIONS"))
        .header("Access-Control-Request-Headers", "authorization,content-type")
        .send(served.address)
        .await;
    assert_eq!(asked.status, 204);
    assert_eq!(asked.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(asked.header("access-control-allow-headers"), Some("authorization,content-type"));
    let sent = page(request("/v1/completions")).send(served.address).await;
    assert_eq!((sent.status, sent.header("access-control-allow-origin")), (200, Some("http://localhost:3000")));
    served.stop().await;
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_a_token() {
    let models = Models { complete: provider(), chat: provider() };
    let everywhere = Address::Tcp("0.0.0.0:0".parse().unwrap());
    let refused = Server::bind(&everywhere, models.clone(), Config::default()).await;
    assert!(matches!(refused, Err(ServerError::NeedsToken { .. })));
    let config = Config { token: Token::new(TOKEN), ..Config::default() };
    assert!(Server::bind(&everywhere, models, config).await.is_ok());
}

#[tokio::test]
async fn a_socket_is_the_users_own_and_goes_with_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wright.sock");
    let address = Address::Unix(path.clone());
    for _ in 0..2 {
        let models = Models { complete: provider(), chat: provider() };
        let server = Server::bind(&address, models, Config::default()).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        assert_eq!(exchange(stream, &request("/health").bytes()).await.status, 200);
        stop.send(()).unwrap();
        running.await.unwrap();
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced_and_another_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let models = || Models { complete: provider(), chat: provider() };
    let left = folder.path().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    assert!(Server::bind(&Address::Unix(left), models(), Config::default()).await.is_ok());
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    assert!(Server::bind(&Address::Unix(file.clone()), models(), Config::default()).await.is_err());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}
