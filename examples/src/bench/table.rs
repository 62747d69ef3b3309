//! The table, as people read it, at 100 columns, and as JSON.

use serde::Serialize;

use super::{args::Args, board::Figures, child, rows::EVENTS, usage};

const HEAD: [&str; 7] = [EVENTS, "ours", "echo", "share", "goal", "down", "up"];

#[derive(Debug, Serialize)]
struct Report<'a> {
    processor: String,
    runs: usize,
    seconds: f64,
    store: &'static str,
    rows: &'a [Figures],
}

/// Prints the table, and below it what is to be known about its rows.
pub(crate) fn print(figures: &[Figures], args: &Args) {
    let (server, load) = child::cores(args);
    let core = |core: Option<usize>| core.map_or("any".to_owned(), |core| core.to_string());
    println!("{}; server on core {}, load on core {}", usage::processor(), core(server), core(load));
    println!(
        "medians of {} runs of {:.1} s; 64 clients, CBOR, and the store {} where nothing else is said\n",
        args.runs,
        args.time.as_secs_f64(),
        args.store().name(),
    );
    print!("{}", lines(figures));
    for row in figures {
        for note in row.failed.iter().map(|why| format!("failed: {why}")).chain(row.notes.iter().cloned()) {
            println!("\n- {}: {note}", row.name);
        }
    }
}

fn lines(figures: &[Figures]) -> String {
    let rule = ["---", "--:", "--:", "--:", "--:", "--:", "--:"];
    let mut text = line(HEAD.map(String::from)) + &line(rule.map(String::from));
    for row in figures {
        let ours = if row.failed.is_some() { String::from("failed") } else { figure(row.ours) };
        let goal = row.target_of_echo.map_or_else(|| figure(row.target), |share| format!("{share:.2}"));
        let met = row.met.map_or("", |met| if met { " yes" } else { " no" });
        let share = row.of_echo.map_or_else(|| String::from("-"), |share| format!("{share:.2}"));
        let (echo, down, up) = (figure(row.echo), figure(row.down), figure(row.up));
        text += &line([row.name.to_owned(), ours, echo, share, goal + met, down, up]);
    }
    text
}

fn line(cells: [String; 7]) -> String {
    let [name, ours, echo, share, goal, down, up] = cells;
    format!("| {name:<36} | {ours:>8} | {echo:>8} | {share:>5} | {goal:>10} | {down:>7} | {up:>4} |\n")
}

/// The figures as JSON.
pub(crate) fn json(figures: &[Figures], args: &Args) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&Report {
        processor: usage::processor(),
        runs: args.runs,
        seconds: args.time.as_secs_f64(),
        store: args.store().name(),
        rows: figures,
    })
}

/// A figure with as many digits as mean something.
fn figure(value: Option<f64>) -> String {
    match value {
        None => String::from("-"),
        Some(value) if value.abs() < 100.0 => format!("{value:.1}"),
        Some(value) => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 && !grouped.ends_with('-') {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn figures_can_be_read() {
        assert_eq!(figure(Some(1_234_567.4)), "1,234,567");
        assert_eq!(figure(Some(-123_456.0)), "-123,456");
        assert_eq!(figure(Some(5.34)), "5.3");
        assert_eq!(figure(None), "-");
    }

    #[test]
    fn the_table_fits_into_100_columns() {
        let cells = ["", "123,456", "123,456", "12.34", "20,000 yes", "480,123", "1234"].map(String::from);
        for row in ROWS {
            let mut cells = cells.clone();
            cells[0] = String::from(row.name);
            assert!(line(cells).trim_end().len() <= 100, "{}", row.name);
        }
    }

    #[test]
    fn the_readme_has_every_row() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        for row in ROWS {
            assert!(readme.contains(&format!("\n| {} |", row.name)), "{}", row.name);
        }
    }
}
