//! Packets over time as a picture.

use std::error::Error;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea as _;
use plotters::element::Rectangle;
use plotters::style::{Color as _, IntoFont as _, RGBColor};

use crate::overview::Part;

/// The width and height of the picture in its own units; a page scales it.
const SIZE: (u32, u32) = (960, 260);

// The style sheet knows these four, and gives each another value where the page is dark.
const BLOCKED: RGBColor = RGBColor(0xb9, 0x38, 0x2c);
const ALLOWED: RGBColor = RGBColor(0x2f, 0x78, 0xb7);
const INK: RGBColor = RGBColor(0x55, 0x5b, 0x66);
const GRID: RGBColor = RGBColor(0xdd, 0xdf, 0xe4);

/// An SVG element of numbers and times, and of nothing that stands in a log; empty where it cannot be
/// drawn.
pub(super) fn chart(parts: &[Part], zone: &TimeZone) -> String {
    let mut svg = String::new();
    let drawn = draw(&mut svg, parts, zone);
    drawn.map_or_else(|_| String::new(), |()| svg)
}

fn draw(svg: &mut String, parts: &[Part], zone: &TimeZone) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let number = float(u64::try_from(parts.len())?);
    let most = parts.iter().map(|part| part.packets.all()).max();
    let most = float(most.unwrap_or_default().max(4)) * 1.05;
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..number, 0.0..most)?;
    let first = parts.first().map(|part| part.begin);
    let second = parts.get(1).map(|part| part.begin);
    let each = first
        .zip(second)
        .map(|(first, second)| second.duration_since(first));
    let each = each.unwrap_or(SignedDuration::ZERO);
    let days = each.as_secs().saturating_mul(48) > 3 * 24 * 3600;
    let time = |place: &f64| {
        let past = each.as_secs_f64() * place;
        let past = SignedDuration::try_from_secs_f64(past).ok();
        let at = first
            .zip(past)
            .and_then(|(first, past)| first.checked_add(past).ok());
        let form = if days { "%b %d" } else { "%H:%M" };
        at.map_or_else(String::new, |at| {
            at.to_zoned(zone.clone()).strftime(form).to_string()
        })
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(9)
        .y_labels(5)
        .x_label_formatter(&time)
        .y_label_formatter(&|number| format!("{number:.0}"))
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .axis_style(GRID)
        .label_style(("sans-serif", 16).into_font().color(&INK))
        .draw()?;
    let bars = (0_u64..).zip(parts).flat_map(|(place, part)| {
        let (left, right) = (float(place) + 0.1, float(place) + 0.9);
        let (blocked, all) = (float(part.packets.blocked), float(part.packets.all()));
        [
            Rectangle::new([(left, blocked), (right, 0.0)], BLOCKED.filled()),
            Rectangle::new([(left, all), (right, blocked)], ALLOWED.filled()),
        ]
    });
    chart.draw_series(bars)?;
    area.present()?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a picture is not that exact")]
fn float(number: u64) -> f64 {
    number as f64
}
