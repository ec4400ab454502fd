//! What the gate makes of whole changes, as data.

mod tampering;
