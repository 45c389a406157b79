//! What a run writes: a page and its pictures.

use anyhow::Context;
use std::{fmt, fs, path::Path};

/// A page in Markdown, written to with [`writeln!`], and the pictures that it shows.
#[derive(Default)]
pub struct Page {
    /// The page.
    pub text: String,
    /// Names in `docs/img` and contents.
    pub pictures: Vec<(String, String)>,
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

/// Characters of a line of a page.
const WIDTH: usize = 120;

impl Page {
    /// Adds paragraphs, which an empty line parts in `text`, as lines of equal width. An empty line comes before and
    /// after.
    pub fn paragraphs(&mut self, text: &str) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        for paragraph in text.split("\n\n") {
            let mut column = 0;
            for word in paragraph.split_whitespace() {
                let length = word.chars().count();
                if column > 0 {
                    let full = column + 1 + length > WIDTH;
                    self.text.push(if full { '\n' } else { ' ' });
                    column = if full { 0 } else { column + 1 };
                }
                self.text.push_str(word);
                column += length;
            }
            self.text.push_str("\n\n");
        }
    }

    /// Shows a picture here.
    pub fn show(&mut self, caption: &str, name: String, svg: String) {
        self.text.push_str(&format!("![{caption}](img/{name})\n\n"));
        self.pictures.push((name, svg));
    }

    /// Writes `simulation.md` into `docs` and the pictures into `docs/img`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, docs: &Path) -> anyhow::Result<()> {
        let images = docs.join("img");
        fs::create_dir_all(&images).with_context(|| format!("creating {}", images.display()))?;
        let pictures = self.pictures.iter().map(|(name, svg)| (images.join(name), svg.clone()));
        let page = (docs.join("simulation.md"), self.text.trim_end().to_string() + "\n");
        for (path, content) in pictures.chain([page]) {
            fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

/// A number with commas.
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_stand_between_empty_lines_and_fit() {
        let mut page = Page { text: "| a |\n".into(), ..Default::default() };
        page.paragraphs(&format!("{} end\n\nb  c", "word ".repeat(24)));
        let lines: Vec<_> = page.text.lines().collect();
        assert_eq!(lines, ["| a |", "", ["word"; 24].join(" ").as_str(), "end", "", "b c", ""]);
        page.paragraphs("d");
        assert!(page.text.ends_with("b c\n\nd\n\n"));
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(
            (thousands(0), thousands(1_234_567), thousands(123)),
            ("0".into(), "1,234,567".into(), "123".into())
        );
    }
}
