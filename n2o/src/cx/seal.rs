//! What a page seals for its elements, and opens again.

use crate::{cx::Cx, error::Result};

impl Cx {
    /// Seals content for an element of this page, under one byte in the clear that says of what kind it is,
    /// and the kind's fingerprint, which is not sent: it must be the same when the seal is opened.
    /// Fails for an id longer than [`MAX_ID`](crate::MAX_ID), and when the session has sealed more than a key may.
    pub fn pickle(
        &self,
        element: &str,
        head: u8,
        print: u64,
        content: &[u8],
    ) -> Result<Vec<u8>, crate::SealError> {
        let now = self.node.clock().secs();
        let expires =
            now.saturating_add(u32::try_from(self.node.limits().restore.as_secs()).unwrap_or(u32::MAX));
        self.session.events.seal(
            head,
            &[self.page.as_bytes(), &print.to_be_bytes(), element.as_bytes()],
            expires,
            content,
            self.node.random(),
        )
    }

    /// Opens what [`pickle`](Cx::pickle) sealed for the same session, page and element.
    /// `print` answers the fingerprint of a kind, and `None` when there is no such kind.
    pub fn depickle(
        &self,
        element: &str,
        seal: &[u8],
        print: impl FnOnce(u8) -> Option<u64>,
    ) -> Result<(u8, Vec<u8>)> {
        let print = crate::pickle::head(seal).and_then(print).ok_or(crate::SealError::Refused)?;
        let opened = self.session.events.open(
            seal,
            &[self.page.as_bytes(), &print.to_be_bytes(), element.as_bytes()],
            self.node.clock().secs(),
        )?;
        Ok((opened.head, opened.content))
    }
}
