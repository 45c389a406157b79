//! A line that shows, on a terminal, what a slow step is at. Where the output is no terminal, each change is a line.

use crate::out;
use indicatif::{ProgressBar, ProgressStyle};
use std::{cell::RefCell, io::IsTerminal, time::Duration};

/// A spinner with a message, gone when dropped.
pub struct Spinner {
    bar: ProgressBar,
    /// What was said last, where nothing can be drawn and lines are wanted.
    lines: Option<RefCell<String>>,
    terminal: bool,
}

impl Spinner {
    /// Starts a spinner that says `message`, as lines where nothing can be drawn.
    pub fn new(message: &str) -> Self {
        Self::start(message, true)
    }

    /// Starts a spinner that says `message`, and nothing where nothing can be drawn: the log tells enough.
    pub fn on_terminal(message: &str) -> Self {
        Self::start(message, false)
    }

    fn start(message: &str, lines: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        let spinner = Self { bar, lines: (lines && !terminal).then(RefCell::default), terminal };
        spinner.say(message);
        spinner
    }

    /// Changes the message.
    pub fn say(&self, message: &str) {
        if let Some(last) = &self.lines {
            if *last.borrow() != message {
                out::note(message);
                *last.borrow_mut() = message.into();
            }
        }
        self.bar.set_message(message.to_string());
    }

    /// Changes the message to what holds at a block; its height is shown on terminals only.
    pub fn say_at(&self, block: u32, message: &str) {
        self.say(message);
        if self.terminal {
            self.bar.set_message(format!("block {block}: {message}"));
        }
    }

    /// Writes a line that stays, above the spinner.
    pub fn note(&self, line: &str) {
        self.bar.suspend(|| out::note(line));
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
