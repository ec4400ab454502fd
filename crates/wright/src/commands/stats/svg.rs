//! Writes the few kinds of pictures that `wright stats` has: lines over time, and bars.
//!
//! Written by hand, because it is short, and because plotting libraries write fixed colors: here colors are classes, which
//! follow the reader's choice of a light or a dark page. Each picture has a title and a description for those who hear it.

use std::fmt::Write as _;

/// How wide a picture is.
pub(super) const WIDTH: u32 = 460;

/// The height of the part above the marks.
const TOP: u32 = 58;

/// The colors, for light and dark pages. Texts keep a contrast of at least 4.5 to 1 to both.
pub(super) const STYLE: &str = "\
.w-card{fill:#fff;stroke:#dde2e8}.w-title{fill:#1a1d21;font-weight:600;font-size:15px}.w-text{fill:#1a1d21}\
.w-note{fill:#57606a}.w-grid{stroke:#e6eaef}.w-one{fill:#1f66d1}.w-two{fill:#b35400}.w-track{fill:#edf0f4}\
.w-line-one{stroke:#1f66d1}.w-line-two{stroke:#b35400}\
.w-line-one,.w-line-two{fill:none;stroke-width:2;stroke-linejoin:round}.w-line-two{stroke-dasharray:5 3}\
.w-svg text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:12px}.w-svg .w-title{font-size:15px}\
@media(prefers-color-scheme:dark){.w-card{fill:#1b1f25;stroke:#333b45}.w-title,.w-text{fill:#e8ebef}\
.w-note{fill:#a6b0bb}.w-grid{stroke:#2f3640}.w-one{fill:#6cb0ff}.w-two{fill:#ffad66}.w-track{fill:#2a3038}\
.w-line-one{stroke:#6cb0ff}.w-line-two{stroke:#ffad66}}";

/// A picture with its words.
pub(super) struct Picture {
    title: String,
    description: String,
    body: String,
    height: u32,
}

/// One mark on a line: where from 0 to 1, how high from 0 to 1, and what it says when pointed at.
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) label: String,
}

/// One bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) share: f64,
    pub(super) value: String,
}

/// Returns a picture of one or two lines, where the second is dashed. `ends` are the words below its two ends.
pub(super) fn lines(title: &str, description: &str, lines: &[(&str, Vec<Point>)], ends: [&str; 2]) -> Picture {
    const HEIGHT: f64 = 150.0;
    const LEFT: f64 = 52.0;
    let right = f64::from(WIDTH) - 24.0;
    let top = f64::from(TOP) + 32.0;
    let mut body = String::new();
    for step in 0..=4 {
        let y = top + HEIGHT * f64::from(4 - step) / 4.0;
        put(&mut body, format_args!(r#"<line class="w-grid" x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#));
        let (x, y, label) = (LEFT - 8.0, y + 4.0, step * 25);
        put(&mut body, format_args!(r#"<text class="w-note" text-anchor="end" x="{x}" y="{y:.1}">{label}%</text>"#));
    }
    let mut legend_x = LEFT;
    for ((name, points), class) in lines.iter().zip(["one", "two"]) {
        let y = f64::from(TOP) + 8.0;
        let (line_end, text_x) = (legend_x + 22.0, legend_x + 28.0);
        put(&mut body, format_args!(r#"<path class="w-line-{class}" d="M{legend_x} {y}H{line_end}"/>"#));
        put(&mut body, format_args!(r#"<text class="w-text" x="{text_x}" y="{}">{}</text>"#, y + 4.0, escape(name)));
        legend_x += 48.0 + name.chars().count() as f64 * 6.8;
        let place = |it: &Point| (LEFT + (right - LEFT) * it.x, top + HEIGHT * (1.0 - it.y));
        let path: Vec<String> = points.iter().map(place).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        if path.len() > 1 {
            put(&mut body, format_args!(r#"<path class="w-line-{class}" d="M{}"/>"#, path.join("L")));
        }
        for point in points {
            let (x, y) = place(point);
            put(&mut body, format_args!(r#"<circle class="w-{class}" cx="{x:.1}" cy="{y:.1}" r="3">"#));
            put(&mut body, format_args!("<title>{}</title></circle>", escape(&point.label)));
        }
    }
    let y = top + HEIGHT + 20.0;
    for (word, x, anchor) in [(ends[0], LEFT, "start"), (ends[1], right, "end")] {
        put(
            &mut body,
            format_args!(r#"<text class="w-note" x="{x}" y="{y}" text-anchor="{anchor}">{}</text>"#, escape(word)),
        );
    }
    let height = y as u32 + 16;
    if lines.iter().all(|(_, points)| points.is_empty()) {
        return nothing(title, description);
    }
    Picture { title: title.to_owned(), description: description.to_owned(), body, height }
}

/// Returns a picture of bars, one below the other.
pub(super) fn bars(title: &str, description: &str, bars: &[Bar]) -> Picture {
    const ROW: u32 = 26;
    const LEFT: u32 = 130;
    if bars.is_empty() {
        return nothing(title, description);
    }
    let full = WIDTH - LEFT - 110;
    let mut body = String::new();
    for (bar, idx) in bars.iter().zip(0..) {
        let y = TOP + 6 + ROW * idx;
        let width = bar.share.clamp(0.0, 1.0) * f64::from(full);
        let (name_x, text_y, value_x) = (LEFT - 10, y + 12, LEFT + full + 10);
        let (name, value) = (escape(&bar.name), escape(&bar.value));
        put(
            &mut body,
            format_args!(r#"<text class="w-text" text-anchor="end" x="{name_x}" y="{text_y}">{name}</text>"#),
        );
        put(&mut body, format_args!(r#"<rect class="w-track" x="{LEFT}" y="{y}" width="{full}" height="16" rx="3"/>"#));
        put(
            &mut body,
            format_args!(r#"<rect class="w-one" x="{LEFT}" y="{y}" width="{width:.1}" height="16" rx="3"/>"#),
        );
        put(&mut body, format_args!(r#"<text class="w-text" x="{value_x}" y="{text_y}">{value}</text>"#));
    }
    let height = TOP + 16 + ROW * u32::try_from(bars.len()).unwrap_or(u32::MAX / ROW / 2);
    Picture { title: title.to_owned(), description: description.to_owned(), body, height }
}

fn nothing(title: &str, description: &str) -> Picture {
    let body = format!(r#"<text class="w-note" x="20" y="{}">Nothing was recorded yet</text>"#, TOP + 20);
    Picture { title: title.to_owned(), description: description.to_owned(), body, height: TOP + 44 }
}

impl Picture {
    /// Returns the picture as a document, or as part of a page. `id` tells the pictures of one page apart.
    pub(super) fn to_svg(&self, id: &str) -> String {
        let (height, frame_height) = (self.height, self.height - 1);
        let [title, description] = [&self.title, &self.description].map(|it| escape(it));
        format!(
            r#"<svg class="w-svg" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc><rect class="w-card" x=".5" y=".5" width="{}" height="{frame_height}" rx="10"/><text class="w-title" x="20" y="26">{title}</text><text class="w-note" x="20" y="44">{description}</text>{}</svg>"#,
            WIDTH - 1,
            self.body
        )
    }
}

/// Returns one document with the pictures in two columns.
pub(super) fn sheet(title: &str, pictures: &[Picture]) -> String {
    const GAP: u32 = 16;
    let mut heights = [48_u32; 2];
    let mut body = String::new();
    for (idx, picture) in pictures.iter().enumerate() {
        let column = usize::from(heights[1] < heights[0]);
        let x = GAP + (WIDTH + GAP) * u32::from(column == 1);
        let nested = picture.to_svg(&format!("p{idx}")).replacen(
            "<svg ",
            &format!(r#"<svg x="{x}" y="{}" "#, heights[column]),
            1,
        );
        body.push_str(&nested);
        heights[column] += picture.height + GAP;
    }
    let (width, height) = (WIDTH * 2 + GAP * 3, heights[0].max(heights[1]));
    let title = escape(title);
    format!(
        r#"<svg class="w-svg" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="sheet-t"><title id="sheet-t">{title}</title><style>{STYLE}.w-back{{fill:#f5f7f9}}@media(prefers-color-scheme:dark){{.w-back{{fill:#13161a}}}}</style><rect class="w-back" width="{width}" height="{height}"/><text class="w-title" x="{GAP}" y="32">{title}</text>{body}</svg>
"#
    )
}

/// Returns text without the characters that mean something in XML.
pub(super) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.chars().filter(|it| !it.is_control()).collect()
}

/// Adds text to a picture.
fn put(body: &mut String, text: std::fmt::Arguments<'_>) {
    body.write_fmt(text).expect("a string takes whatever is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_add_elements() {
        let bar = Bar { name: "<script>\"&\u{1b}".to_owned(), share: 2.0, value: "1".to_owned() };
        let svg = bars("t", "d", &[bar]).to_svg("p");
        assert!(svg.contains("&lt;script&gt;&quot;&amp;</text>"), "{svg}");
        assert!(svg.contains(r#"width="220.0""#), "a bar stays in its track: {svg}");
    }

    #[test]
    fn without_anything_to_draw_a_picture_says_so() {
        for picture in [bars("t", "d", &[]), lines("t", "d", &[("a", Vec::new())], ["", ""])] {
            assert!(picture.to_svg("p").contains("Nothing was recorded yet"));
        }
    }
}
