//! A picture: panels side by side, and what each colour stands for above them.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(crate) struct Picture {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) who: Who,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Whose line it is; the same colour in each picture.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) name: &'static str,
    pub(crate) color: RGBColor,
}

#[derive(Clone)]
pub(crate) struct Axis {
    name: String,
    scale: Scale,
    /// In places, not in values.
    from: f64,
    to: f64,
}

#[derive(Clone)]
enum Scale {
    Linear,
    Logarithmic,
    /// Each value that there is, one step after the other.
    Steps(Vec<f64>),
}

impl Axis {
    pub(crate) fn steps(name: &str, lines: &[Line]) -> Self {
        let mut steps: Vec<_> = lines.iter().flat_map(|l| &l.points).map(|(x, _)| *x).collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        let to = steps.len() as f64 - 0.8;
        Self { name: name.to_owned(), scale: Scale::Steps(steps), from: -0.2, to }
    }

    pub(crate) fn linear(name: &str, lines: &[Line]) -> Self {
        let is_x = name == "seconds";
        let points = lines.iter().flat_map(|l| &l.points);
        let most = points.map(|(x, y)| if is_x { *x } else { *y }).fold(0.0, f64::max);
        let room = if is_x { 1.0 } else { 1.1 };
        Self { name: name.to_owned(), scale: Scale::Linear, from: 0.0, to: most * room }
    }

    pub(crate) fn logarithmic(name: &str, lines: &[Line]) -> Self {
        let values = || lines.iter().flat_map(|l| &l.points).map(|(_, y)| y.log10());
        let from = values().fold(f64::INFINITY, f64::min).floor();
        let to = values().fold(f64::NEG_INFINITY, f64::max) + 0.15;
        Self { name: name.to_owned(), scale: Scale::Logarithmic, from: from - 0.1, to }
    }

    fn place(&self, value: f64) -> f64 {
        match &self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
            Scale::Steps(steps) => {
                steps.iter().position(|step| *step == value).unwrap_or_default() as f64
            }
        }
    }

    fn label(&self, place: f64) -> String {
        let is_whole = (place - place.round()).abs() < 1e-6;
        match &self.scale {
            Scale::Linear => format!("{place}"),
            Scale::Logarithmic if is_whole => format!("{}", 10_f64.powf(place.round())),
            Scale::Steps(steps) if is_whole && place >= 0.0 => {
                steps.get(place.round() as usize).map(f64::to_string).unwrap_or_default()
            }
            Scale::Logarithmic | Scale::Steps(_) => String::new(),
        }
    }

    /// How many labels there is room for.
    fn labels(&self) -> usize {
        match self.scale {
            Scale::Linear => 8,
            Scale::Logarithmic | Scale::Steps(_) => (self.to - self.from) as usize + 2,
        }
    }
}

impl Picture {
    /// Draws it as SVG whose text is dark on a light page and light on a dark one.
    pub(crate) fn svg(&self) -> Result<String, Box<dyn Error>> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let style = text(20).pos(Pos::new(HPos::Left, VPos::Top));
            area.draw(&Text::new(self.title.clone(), (12, 10), style))?;
            self.draw_names(&area)?;
            let (_, below) = area.split_vertically(70);
            for (panel, place) in self.panels.iter().zip(below.split_evenly((1, self.panels.len())))
            {
                panel.draw(&place)?;
            }
            area.present()?;
        }
        let (ink, style) = ("#010203", "svg{color:#59636e}");
        let dark = "@media (prefers-color-scheme:dark){svg{color:#e6edf3}}";
        let head = svg.find("<svg").and_then(|at| Some(at + svg[at..].find('>')? + 1));
        svg.insert_str(head.ok_or("no svg was drawn")?, &format!("\n<style>{style}{dark}</style>"));
        Ok(svg.replace(ink, "currentColor"))
    }

    fn draw_names(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>> {
        let mut left = 14;
        for Line { who, .. } in &self.panels[0].lines {
            let style = text(14).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&PathElement::new([(left, 50), (left + 24, 50)], stroke(who.color)))?;
            area.draw(&Circle::new((left + 12, 50), 3, who.color.filled()))?;
            area.draw(&Text::new(who.name, (left + 30, 50), style))?;
            left += 52 + 7 * who.name.chars().count() as i32;
        }
        Ok(())
    }
}

impl Panel {
    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>> {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, text(15))
            .margin(10)
            .x_label_area_size(42)
            .y_label_area_size(58)
            .build_cartesian_2d(self.x.from..self.x.to, self.y.from..self.y.to)?;
        chart
            .configure_mesh()
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .label_style(text(13))
            .axis_desc_style(text(14))
            .x_desc(&self.x.name)
            .y_desc(&self.y.name)
            .x_labels(self.x.labels())
            .y_labels(self.y.labels())
            .x_label_formatter(&|place| self.x.label(*place))
            .y_label_formatter(&|place| self.y.label(*place))
            .draw()?;
        // The first lies on top, and what lies below it still shows around its points.
        for (depth, line) in self.lines.iter().enumerate().rev() {
            let (color, radius) = (line.who.color, 3 + depth as i32);
            let places = line.points.iter().map(|(x, y)| (self.x.place(*x), self.y.place(*y)));
            chart.draw_series(LineSeries::new(places.clone(), stroke(color)))?;
            if line.points.len() < 20 {
                chart.draw_series(places.map(|at| Circle::new(at, radius, color.filled())))?;
            }
        }
        Ok(())
    }
}

fn text(size: i32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(&INK)
}

fn stroke(color: RGBColor) -> ShapeStyle {
    color.stroke_width(2)
}

const SIZE: (u32, u32) = (1000, 430);
/// Stands for the colour of the page's text.
const INK: RGBColor = RGBColor(1, 2, 3);
