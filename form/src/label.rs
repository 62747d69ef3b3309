//! The label table: every text of an application's forms, by key and language, as one file.

/// A table of texts: a line for each key, a column for each language, separated by `|`.
///
/// The first line names the languages. Empty lines and those that begin with `#` do not count. The text of
/// a field has the key `table.field`, or `field` when several tables share it; that of a table is `table`,
/// that of an option `table.field.option`, or `option`. Texts that may be missing are `table.field.help`.
/// [`Form`](derive@crate::Form) looks the keys up while the program is compiled.
///
/// ```
/// use form::Labels;
///
/// const LABELS: Labels = Labels::new(
///     "key         | en     | uk
///      client      | Clients| Klienty
///      client.name | Name   | Imya
///     ",
/// );
/// assert_eq!(LABELS.get("client.name", "uk"), Some("Imya"));
/// assert_eq!(LABELS.get("client.name", "fr"), None);
/// const _: () = assert!(LABELS.has("client", "name"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Labels(&'static str);

impl Labels {
    /// A table; see the type for how it is written.
    #[must_use]
    pub const fn new(table: &'static str) -> Self {
        Labels(table)
    }

    /// Whether the table has `table.key` or `key`, in all its languages.
    #[must_use]
    pub const fn has(&self, table: &str, key: &str) -> bool {
        let bytes = self.0.as_bytes();
        let columns = bars(bytes, start(bytes, 0));
        let mut line = next_line(bytes, start(bytes, 0));
        while line < bytes.len() {
            let at = start(bytes, line);
            if is_key(bytes, at, table.as_bytes(), key.as_bytes())
                && bars(bytes, at) == columns
                && full(bytes, at)
            {
                return true;
            }
            line = next_line(bytes, at);
        }
        false
    }

    /// The languages, in the order of the columns.
    pub fn langs(&self) -> impl Iterator<Item = &'static str> {
        self.lines().next().unwrap_or_default().split('|').skip(1).map(str::trim)
    }

    /// A text by its whole key.
    #[must_use]
    pub fn get(&self, key: &str, lang: &str) -> Option<&'static str> {
        let column = self.langs().position(|known| known == lang)? + 1;
        let mut lines = self.lines().skip(1).map(|line| line.split('|').map(str::trim));
        lines.find_map(|mut cells| (cells.next() == Some(key)).then(|| cells.nth(column - 1)).flatten())
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.0.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }
}

// What follows runs while the program is compiled, where neither iterators nor slices of text exist.

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t' || byte == b'\r'
}

const fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_blank(bytes[at]) {
        at += 1;
    }
    at
}

/// The start of the next line that counts, at or behind the start of a line.
const fn start(bytes: &[u8], mut line: usize) -> usize {
    loop {
        let at = skip_blanks(bytes, line);
        if at >= bytes.len() || (bytes[at] != b'\n' && bytes[at] != b'#') {
            return at;
        }
        line = next_line(bytes, at);
    }
}

const fn next_line(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'\n' {
        at += 1;
    }
    if at < bytes.len() { at + 1 } else { at }
}

const fn bars(bytes: &[u8], mut at: usize) -> usize {
    let mut count = 0;
    while at < bytes.len() && bytes[at] != b'\n' {
        if bytes[at] == b'|' {
            count += 1;
        }
        at += 1;
    }
    count
}

/// Whether no cell of the line is empty.
const fn full(bytes: &[u8], mut at: usize) -> bool {
    let mut empty = true;
    while at < bytes.len() && bytes[at] != b'\n' {
        if bytes[at] == b'|' {
            if empty {
                return false;
            }
            empty = true;
        } else if !is_blank(bytes[at]) {
            empty = false;
        }
        at += 1;
    }
    !empty
}

/// Where `text` ends when it stands at `at`; behind the end of everything when it does not.
const fn after(bytes: &[u8], at: usize, text: &[u8]) -> usize {
    let mut i = 0;
    while i < text.len() {
        if at + i >= bytes.len() || bytes[at + i] != text[i] {
            return usize::MAX;
        }
        i += 1;
    }
    at + i
}

const fn ends_cell(bytes: &[u8], at: usize) -> bool {
    if at > bytes.len() {
        return false;
    }
    let at = skip_blanks(bytes, at);
    at < bytes.len() && bytes[at] == b'|'
}

const fn is_key(bytes: &[u8], at: usize, table: &[u8], key: &[u8]) -> bool {
    if ends_cell(bytes, after(bytes, at, key)) {
        return true;
    }
    let dot = after(bytes, at, table);
    if dot > bytes.len() || after(bytes, dot, b".") > bytes.len() {
        return false;
    }
    ends_cell(bytes, after(bytes, dot + 1, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: Labels =
        Labels::new("key|en|uk\n\n# a comment\n name | Name | N\nhalf | Half\nvoid | | x\nt.own|Own|O\n");

    #[test]
    fn a_key_is_there_in_every_language_or_not_at_all() {
        assert!(LABELS.has("t", "name") && LABELS.has("t", "own"));
        for missing in ["half", "void", "nam", "names", "key", "", "wn"] {
            assert!(!LABELS.has("t", missing), "{missing}");
        }
        assert!(!LABELS.has("u", "own"));
        assert_eq!(LABELS.get("t.own", "uk"), Some("O"));
        assert_eq!(LABELS.langs().collect::<Vec<_>>(), ["en", "uk"]);
    }
}
