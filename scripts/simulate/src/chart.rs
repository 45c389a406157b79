//! Line charts as SVG.

use anyhow::anyhow;
use plotters::prelude::*;

/// A named line through points.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// What was played where the line is what was computed: dots of the same colour.
    pub dots: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (860, 420);
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 80, 0),
    RGBColor(0, 130, 90),
    RGBColor(150, 60, 150),
    RGBColor(110, 110, 110),
    RED,
];

/// Draws `lines`; returns the SVG. Axes begin at zero.
///
/// # Errors
/// Plotters cannot draw it.
pub fn draw(title: &str, x_name: &str, y_name: &str, lines: &[Line]) -> anyhow::Result<String> {
    let mut svg = String::new();
    let render = |svg: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let all = || lines.iter().flat_map(|line| line.points.iter().chain(&line.dots));
        let right = all().map(|point| point.0).fold(0.0, f64::max);
        let top = all().map(|point| point.1).fold(0.0, f64::max) * 1.05;
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart.configure_mesh().x_desc(x_name).y_desc(y_name).light_line_style(WHITE).draw()?;
        for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?
                .label(line.name.clone())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart.draw_series(line.dots.iter().map(|dot| Circle::new(*dot, 3, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        root.present()?;
        Ok(())
    };
    render(&mut svg).map_err(|error| anyhow!("drawing '{title}': {error}"))?;
    Ok(svg)
}
