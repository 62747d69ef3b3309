//! A BPMN 2.0 process engine.
