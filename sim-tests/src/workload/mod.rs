//! Draft.
/// Draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Draft.
    Command(Vec<Vec<u8>>),
    /// Draft.
    Inline(Vec<u8>),
    /// Draft.
    Raw(Vec<u8>),
}
