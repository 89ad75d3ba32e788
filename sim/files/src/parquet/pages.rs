//! Pages of a column that hold no more than the file says of it: a small page can claim numbers without end.

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// The pages of a column.
pub struct Pages {
    inner: Box<dyn PageReader>,
    /// Entries that may still come.
    left: u64,
}

impl Pages {
    /// Pages with so many entries at most.
    pub fn new(inner: Box<dyn PageReader>, entries: u64) -> Self {
        Self {
            inner,
            left: entries,
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if let Some(page @ (Page::DataPage { .. } | Page::DataPageV2 { .. })) = &page {
            let left = self.left.checked_sub(page.num_values().into());
            self.left = left.ok_or_else(|| {
                ParquetError::General("its pages hold more numbers than the file says".to_owned())
            })?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }
}
