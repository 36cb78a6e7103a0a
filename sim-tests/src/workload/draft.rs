//! [`Draft`]: a command while its words are put together.

use super::{Call, Rule};

/// A command while its words are put together.
#[derive(Debug)]
pub(super) struct Draft {
    words: Vec<Vec<u8>>,
}

impl Draft {
    /// A command of this name.
    pub fn new(name: &str) -> Draft {
        Draft { words: vec![name.as_bytes().to_vec()] }
    }

    /// The same with another word.
    pub fn with(mut self, word: impl AsRef<[u8]>) -> Draft {
        self.add(word);
        self
    }

    /// Appends a word.
    pub fn add(&mut self, word: impl AsRef<[u8]>) {
        self.words.push(word.as_ref().to_vec());
    }

    /// Appends words.
    pub fn add_all(&mut self, words: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        words.into_iter().for_each(|word| self.add(word));
    }

    /// Whether a word is this one.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word.as_bytes())
    }

    /// The command, whose replies are compared to the byte.
    pub fn exact(self) -> Vec<Call> {
        self.by(Rule::Exact)
    }

    /// The command, whose replies are compared by this rule.
    pub fn by(self, rule: Rule) -> Vec<Call> {
        vec![Call { words: self.words, rule }]
    }
}
