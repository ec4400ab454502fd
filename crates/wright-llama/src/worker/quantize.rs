//! Writes a model's weights in another layout. See `model.rs` for why foreign code is called directly.

use std::ffi::CString;
use std::path::Path;

use llama_cpp_sys_2 as sys;

use super::model::{failure, initialize, take_last_error};
use crate::tune::Layout;

/// Writes the model in `source` to `output` with its weights in `layout`. Weights that are quantized already are quantized
/// again, which loses a little each time; how much is what [`super::measure`] finds out.
pub(super) fn quantize(source: &Path, output: &Path, layout: Layout, n_threads: usize) -> Result<(), String> {
    initialize();
    take_last_error();
    let (kind, file_kind) = match layout {
        Layout::Shipped => return Err("a model is shipped in its own layout".to_owned()),
        Layout::Q4_0 | Layout::Q4_0HighHead => (sys::GGML_TYPE_Q4_0, sys::LLAMA_FTYPE_MOSTLY_Q4_0),
        Layout::Iq4Nl => (sys::GGML_TYPE_IQ4_NL, sys::LLAMA_FTYPE_MOSTLY_IQ4_NL),
    };
    // SAFETY: returns a plain value.
    let mut params = unsafe { sys::llama_model_quantize_default_params() };
    params.nthread = i32::try_from(n_threads).unwrap_or(1);
    params.ftype = file_kind;
    params.allow_requantize = true;
    params.quantize_output_tensor = true;
    if layout != Layout::Q4_0HighHead {
        params.pure_ = true;
        params.token_embedding_type = kind;
        params.output_tensor_type = kind;
    }
    let c_path = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string());
    let (c_source, c_output) = (c_path(source)?, c_path(output)?);
    // SAFETY: both paths end with a zero byte and outlive the call; the parameters hold no pointers but null ones.
    let code = unsafe { sys::llama_model_quantize(c_source.as_ptr(), c_output.as_ptr(), &raw const params) };
    if code == 0 { Ok(()) } else { Err(failure("the engine cannot write the weights in another layout")) }
}
