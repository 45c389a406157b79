//! A line that shows, on a terminal, what a slow step is at. Nothing is drawn where the output is no terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// A spinner with a message, gone when dropped.
pub struct Spinner {
    bar: ProgressBar,
    plain: bool,
}

impl Spinner {
    /// Starts a spinner that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        let spinner = Self { bar, plain: !terminal };
        spinner.say(message);
        spinner
    }

    /// Changes the message; where nothing can be drawn, it is written as a line.
    pub fn say(&self, message: impl Into<String>) {
        let message = message.into();
        if self.plain {
            eprintln!("{message}");
        }
        self.bar.set_message(message);
    }

    /// Writes a line that stays, above the spinner.
    pub fn note(&self, line: &str) {
        if self.plain {
            eprintln!("{line}");
        } else {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    /// Runs `print` with the spinner out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
