//! What someone at an editor asks for about the code under the cursor: an explanation, a fix, a test.
//!
//! Each is one question or a few, answered in seconds. Text that goes into a document comes back as `Verified<Edit>`, judged
//! by the quick gate against the version that was shown; nothing was run. For a repair that the tests prove, see [`crate::fix`].

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_gate::{Finding, Verified};
use wright_provider::Provider;
use wright_text::{Document, Edit};

use crate::{AgentError, edit_function, explain, write_test};

/// A model at the service of an editor, which need not know what a provider is.
#[derive(Clone)]
pub struct Assistant {
    provider: Arc<dyn Provider>,
}

/// Text for a document, or why there is none.
pub type Judged<T> = Result<T, Vec<Finding>>;

/// A function in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionEdit {
    /// The function's name.
    pub name: String,
    /// The edit of its document.
    pub edit: Verified<Edit>,
}

/// A test that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTest {
    /// The tested function's name.
    pub name: String,
    /// The file that it goes to: a new one, or the document itself where the language keeps tests beside the code.
    pub path: PathBuf,
    /// The edit of that file, which is empty when it is new.
    pub edit: Verified<Edit>,
}

impl Assistant {
    /// Returns an assistant that asks `provider`.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider }
    }

    /// Explains the code in `range`, or the function around it when it is empty, in Markdown.
    pub async fn explain(&self, doc: &Document, range: Range<usize>) -> Result<String, AgentError> {
        explain::explain(&*self.provider, doc, range).await
    }

    /// Rewrites the function at `offset` so that `problem`, a compiler's or linter's message, goes away.
    pub async fn fix(&self, doc: &Document, offset: usize, problem: &str) -> Result<Judged<FunctionEdit>, AgentError> {
        edit_function::mend(&*self.provider, doc, offset, problem).await
    }

    /// Writes a test of the function at `offset`. `root` is the project's folder; `exists` says whether a file is there.
    pub async fn write_test(
        &self,
        doc: &Document,
        offset: usize,
        root: Option<&Path>,
        exists: &(dyn Fn(&Path) -> bool + Sync),
    ) -> Result<Judged<NewTest>, AgentError> {
        write_test::write_test(&*self.provider, doc, offset, root, exists).await
    }
}
