//! Lines of code with indentation.

use std::fmt::Display;

/// Source text that grows line by line.
#[derive(Debug, Default)]
pub(super) struct Code {
    text: String,
    depth: usize,
}

impl Code {
    pub fn new() -> Self {
        Self::default()
    }

    /// A line at the current depth. A line that ends with an opening bracket indents the following
    /// ones, one that starts with a closing bracket ends that.
    pub fn line(&mut self, line: impl Display) -> &mut Self {
        let line = line.to_string();
        if line.starts_with(['}', ')', ']']) {
            self.depth = self.depth.saturating_sub(1);
        }
        if !line.is_empty() {
            self.text.push_str(&"    ".repeat(self.depth));
            self.text.push_str(&line);
        }
        self.text.push('\n');
        if line.ends_with(['{', '(', '[']) {
            self.depth += 1;
        }
        self
    }

    /// Several lines.
    pub fn lines<T: Display>(&mut self, lines: impl IntoIterator<Item = T>) -> &mut Self {
        for line in lines {
            self.line(line);
        }
        self
    }

    /// An empty line.
    pub fn gap(&mut self) -> &mut Self {
        self.line("")
    }

    pub fn finish(self) -> String {
        self.text
    }
}
