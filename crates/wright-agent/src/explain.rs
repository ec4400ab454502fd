//! Explains a piece of code.

use std::ops::Range;

use wright_provider::Provider;
use wright_text::{Document, Language, SyntaxTree, without_images};

use crate::AgentError;
use crate::ask::{Question, ask};

/// The longest code that is explained, in bytes.
const MAX_CODE: usize = 12_000;

/// Hard cap on an explanation, in tokens.
const MAX_TOKENS: u32 = 600;

/// Explains the code in `range`, or the function around it when it is empty.
pub(crate) async fn explain(
    provider: &dyn Provider,
    doc: &Document,
    range: Range<usize>,
) -> Result<String, AgentError> {
    let fail = |what: &str| AgentError::File { path: doc.path.clone(), what: what.to_owned() };
    // Keys and passwords are in files of no programming language.
    let language = Language::from_path(&doc.path).ok_or_else(|| fail("its language is not one that is explained"))?;
    let range = if range.is_empty() { function_around(doc, language, range.start) } else { Some(range) };
    let code = range.and_then(|it| doc.text().get(it)).map(str::trim_end).filter(|it| !it.is_empty());
    let code = code.ok_or_else(|| fail("there is no function at this place; select the code to explain"))?;
    if code.len() > MAX_CODE {
        return Err(fail(&format!("{} bytes are too many to explain; the limit is {MAX_CODE}", code.len())));
    }
    let question = Question {
        text: include_str!("explain.md").trim().to_owned(),
        files: vec![(doc.path.file_name().map(Into::into).unwrap_or_default(), code.to_owned())],
        max_tokens: MAX_TOKENS,
        temperature: 0.0,
        seed: 0,
    };
    // An editor renders it, and must fetch nothing that the model names.
    Ok(without_images(&ask(provider, &question, &mut |_| {}).await?.text))
}

fn function_around(doc: &Document, language: Language, offset: usize) -> Option<Range<usize>> {
    SyntaxTree::parse(language, doc.shared_text()).function_at(offset).map(|it| it.range)
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;

    use super::*;

    const TEXT: &str = "x = 1\n\ndef f(a):\n    return a\n";

    async fn shown(range: Range<usize>) -> Result<String, String> {
        let provider = ScriptedProvider::answering(&["It returns its argument."]);
        let doc = Document::new("/p/a.py", 1, TEXT);
        explain(&provider, &doc, range).await.map_err(|it| it.to_string())?;
        Ok(format!("{:?}", provider.requests()[0].prompt))
    }

    #[tokio::test]
    async fn the_model_is_shown_the_selection_or_else_the_function() {
        let selected = shown(0..5).await.unwrap();
        assert!(selected.contains("x = 1") && !selected.contains("def f"));
        let around = shown(20..20).await.unwrap();
        assert!(around.contains("def f(a)") && !around.contains("x = 1"));
        let secret = Document::new("/p/.env", 1, TEXT);
        assert!(explain(&ScriptedProvider::new([]), &secret, 0..5).await.is_err());
        assert!(shown(1..1).await.unwrap_err().contains("no function at this place"));
    }
}
