//! Pages of lists: `limit` and `marker`.

use super::request::Request;

/// What part of a list a request asks for.
pub(super) struct Page {
    pub(super) marker: Option<String>,
    pub(super) limit: usize,
}

impl Page {
    /// Reads `marker` and `limit`; a limit above the largest page is cut to it.
    ///
    /// # Errors
    /// The limit as it was given, if it is not a number.
    pub(super) fn asked(request: &Request, largest: usize) -> Result<Page, String> {
        let marker = request.query("marker").filter(|marker| !marker.is_empty());
        let limit = match request.query("limit").filter(|limit| !limit.is_empty()) {
            None => largest,
            Some(limit) if limit.bytes().all(|byte| byte.is_ascii_digit()) => {
                // Digits only, so what does not parse is too large a number.
                limit.parse().unwrap_or(usize::MAX).min(largest)
            }
            Some(limit) => return Err(limit),
        };
        Ok(Page { marker, limit })
    }

    /// The entries of the page out of all, in order; none if the marker is not among them.
    pub(super) fn of<'a, T>(
        &self,
        all: impl Iterator<Item = &'a T>,
        id: impl Fn(&T) -> &str,
        selects: impl Fn(&T) -> bool,
    ) -> Option<Vec<&'a T>> {
        let mut all = all;
        if let Some(marker) = &self.marker {
            all.by_ref().find(|entry| id(entry) == marker)?;
        }
        Some(all.filter(|entry| selects(entry)).take(self.limit).collect())
    }

    /// Whether to offer a next page: the services do so whenever this one is full, also if
    /// nothing comes after it.
    pub(super) fn is_full(&self, entries: usize) -> bool {
        entries > 0 && entries == self.limit
    }
}
