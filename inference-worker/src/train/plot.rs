//! The loss curve as a picture, and the rows it is drawn from.

use std::fmt::{Display, Formatter, Write};

/// One line of `loss.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) step: u64,
    pub(super) training: f64,
    pub(super) validation: Option<f64>,
    pub(super) rate: f64,
    pub(super) seconds: f64,
}

impl Row {
    /// Reads a line; none if it is broken.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [step, training, validation, rate, seconds] = fields[..] else { return None };
        let validation = if validation.is_empty() { None } else { Some(validation.parse().ok()?) };
        Some(Self {
            step: step.parse().ok()?,
            training: training.parse().ok()?,
            validation,
            rate: rate.parse().ok()?,
            seconds: seconds.parse().ok()?,
        })
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let validation = self.validation.map(|loss| format!("{loss:.5}")).unwrap_or_default();
        write!(f, "{},{:.5},{validation},{:.3e},{:.1}", self.step, self.training, self.rate, self.seconds)
    }
}

/// A picture of training and validation loss against steps. Empty axes for no rows.
pub(super) fn svg(rows: &[Row]) -> String {
    let (width, height) = (720.0, 400.0);
    let (left, right, top, bottom) = (60.0, 20.0, 40.0, 50.0);
    let losses = || rows.iter().flat_map(|row| [Some(row.training), row.validation]).flatten();
    let low = losses().fold(f64::INFINITY, f64::min).min(1e9).floor();
    let high = losses().fold(f64::NEG_INFINITY, f64::max).max(low + 1.0).ceil();
    let last = rows.last().map_or(1, |row| row.step).max(1) as f64;
    let x = |step: f64| left + step / last * (width - left - right);
    let y = |loss: f64| height - bottom - (loss - low) / (high - low) * (height - top - bottom);

    let mut out = String::new();
    let mut put = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{line}");
    };
    put(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">"#
    ));
    put(format!(r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##));
    put(format!(r#"<text x="{left}" y="22" font-size="15">Loss in nats per token</text>"#));
    let mut mark = low;
    while mark <= high {
        let at = y(mark);
        put(format!(r##"<path d="M{left} {at:.1}H{}" stroke="#dddddd"/>"##, width - right));
        put(format!(r#"<text x="{}" y="{:.1}" text-anchor="end">{mark}</text>"#, left - 8.0, at + 4.0));
        mark += 1.0;
    }
    for part in 0..=4 {
        let step = last * f64::from(part) / 4.0;
        let text = format!("{step:.0}");
        put(format!(r#"<text x="{:.1}" y="{}" text-anchor="middle">{text}</text>"#, x(step), height - bottom + 20.0));
    }
    put(format!(r#"<text x="{}" y="{}" text-anchor="middle">steps</text>"#, width / 2.0, height - 10.0));
    let line = |points: Vec<(f64, f64)>| {
        points.iter().map(|(step, loss)| format!("{:.1},{:.1}", x(*step), y(*loss))).collect::<Vec<_>>().join(" ")
    };
    let training = line(rows.iter().map(|row| (row.step as f64, row.training)).collect());
    let validation = line(rows.iter().filter_map(|row| Some((row.step as f64, row.validation?))).collect());
    for (points, colour, name, at) in
        [(training, "#1f6fb2", "training", 40.0), (validation, "#c8501e", "validation", 58.0)]
    {
        put(format!(r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#));
        let end = width - right;
        put(format!(r#"<text x="{end}" y="{at}" text-anchor="end" fill="{colour}">{name}</text>"#));
    }
    put("</svg>".to_string());
    out
}
