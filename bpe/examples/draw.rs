//! Draws the first process of a BPMN file as SVG: `draw FILE > out.svg`.

use bpe::{Diagram, Limits, Marks, Model};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: draw FILE")?;
    let limits = Limits::default();
    let model = Model::of(bpe::Document::read(&std::fs::read(path)?, &limits)?, &limits)?;
    let mut diagrams = model.processes.iter().filter_map(|process| Diagram::of(&model.document, &process.id));
    println!("{}", diagrams.next().ok_or("the file has no layout")?.svg(&Marks::default()));
    Ok(())
}
