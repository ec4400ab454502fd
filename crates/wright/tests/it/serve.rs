//! Serving: that the command is connected. The protocols are tested where they are written.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::fixture::{Run, Surroundings};

/// A running server, which is killed when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const MODEL: [&str; 4] = ["--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1"];

#[test]
fn a_server_says_where_it_is_answers_and_ends_in_good_order() {
    let surroundings = Surroundings::new();
    let args = [&["serve", "--json", "--listen", "127.0.0.1:0"], &MODEL[..]].concat();
    let child = surroundings.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let document = read_document(&mut running.0);
    assert_eq!(document["schema"], "wright.serve/1");
    assert_eq!((&document["complete_model"], &document["chat_model"]), (&"openai:fake".into(), &"openai:fake".into()));
    let address = document["address"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("\"openai:fake\""), "{reply}");
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

/// Reads the JSON document, which ends with a line of its own.
fn read_document(child: &mut Child) -> Value {
    let mut text = String::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_address_that_others_can_reach_is_refused_without_a_token() {
    let args = [&["serve", "--listen", "0.0.0.0:0"], &MODEL[..]].concat();
    let Run { exit, stderr, .. } = Surroundings::new().run(&args);
    assert_eq!(exit, 2, "{stderr}");
    assert!(stderr.contains("no token is set") && stderr.contains("--token-file"), "{stderr}");
}
