//! XML as an ordered tree that keeps everything: prefixes, foreign elements, comments, the layout. The typed
//! model is derived from this tree and never replaces it, which is what makes a round trip lossless.

mod decode;
mod node;
mod read;
mod reference;
mod write;

pub use node::{Attribute, Document, Element, Node};

/// The namespaces this crate reads by name.
pub(crate) mod ns {
    pub(crate) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
    pub(crate) const BPMNDI: &str = "http://www.omg.org/spec/BPMN/20100524/DI";
    pub(crate) const DC: &str = "http://www.omg.org/spec/DD/20100524/DC";
    pub(crate) const DI: &str = "http://www.omg.org/spec/DD/20100524/DI";
    pub(crate) const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";
    pub(crate) const CAMUNDA: &str = "http://camunda.org/schema/1.0/bpmn";
    pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
}
