//! Figures and the tables that show them.

use std::fmt::Write as _;

/// One measured number.
#[derive(Debug)]
struct Figure {
    mode: &'static str,
    case: String,
    server: String,
    metric: &'static str,
    value: f64,
}

/// Rows under a heading; the first column is text, the others are numbers.
#[derive(Debug)]
pub struct Table {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(title: impl Into<String>, header: Vec<String>) -> Table {
        Table { title: title.into(), header, rows: Vec::new() }
    }

    /// Adds a row, as wide as the header.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.header.len(), "a row of another width in {}", self.title);
        self.rows.push(cells);
    }

    fn to_text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for row in [&self.header].into_iter().chain(&self.rows) {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Writing to a String cannot fail.
                let _ = if column == 0 {
                    write!(text, "  {cell:<width$}")
                } else {
                    write!(text, "  {cell:>width$}")
                };
            }
            text.push('\n');
        }
        text
    }

    fn to_markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> =
            (0..self.header.len()).map(|column| if column == 0 { "---" } else { "---:" }.into()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}\n\n{}{}{rows}", self.title, line(&self.header), line(&rule))
    }
}

/// Everything measured in this run.
#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
    tables: Vec<Table>,
}

impl Report {
    /// Records one number. A number that is none, or nothing, is a failed measurement.
    pub fn figure(
        &mut self,
        mode: &'static str,
        case: &str,
        server: &str,
        metric: &'static str,
        value: f64,
    ) -> Result<(), String> {
        if !value.is_finite() || value < 0.0 {
            return Err(format!("{mode}: {case}: {metric} of {server} is {value}"));
        }
        self.figures.push(Figure { mode, case: case.into(), server: server.into(), metric, value });
        Ok(())
    }

    /// Adds a finished table.
    pub fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// All tables, for people or for a README.
    pub fn print(&self, markdown: bool) {
        for table in &self.tables {
            println!("{}", if markdown { table.to_markdown() } else { table.to_text() });
        }
    }

    /// All figures as one JSON array of flat objects.
    pub fn to_json(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let objects = self.figures.iter().map(|figure| {
            format!(
                "  {{\"mode\": {}, \"case\": {}, \"server\": {}, \"metric\": {}, \"value\": {}}}",
                quoted(figure.mode),
                quoted(&figure.case),
                quoted(&figure.server),
                quoted(figure.metric),
                figure.value
            )
        });
        format!("[\n{}\n]\n", objects.collect::<Vec<_>>().join(",\n"))
    }
}

/// The middle one; the mean of the middle two for an even number. Of nothing it is no number.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
    }
}

/// A number with a comma after every three digits.
pub fn with_commas(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
