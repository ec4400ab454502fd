use wright_text::Node;
use super::Lowering;
use crate::flow::ir::Stmt;
pub(super) fn statement<'t>(_lowering: &mut Lowering<'t>, _node: Node<'t>, _out: &mut Vec<Stmt<'t>>) {}
