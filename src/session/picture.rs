//! Pictures that the host decoded.

use super::{Report, Session};
use crate::error::Result;
use crate::image::{Mask, Picture};
use crate::platform::now_millis;
use crate::split::Placement;
use crate::wire::Upload;
use crate::wire::client::Transport;

impl<T: Transport> Session<T> {
    /// Alpha at the picture's own size, and how it came about.
    ///
    /// # Errors
    /// Those of [`Self::run`]; `BadImage` when the picture cannot be resized or encoded.
    pub async fn segment(&self, picture: &Picture) -> Result<(Mask, Report)> {
        let start = now_millis();
        let (mask, mut report) = match self.options.placement {
            Placement::Remote => {
                let encoded = picture.resized(self.options.size)?.to_png()?;
                self.run_remote(Upload { content_type: "image/png".into(), bytes: encoded.into() }).await?
            }
            _ => {
                let input = picture.to_input(self.options.size, &self.model.manifest.preprocess)?;
                let (output, report) = self.run(input).await?;
                (Mask::from_output(&output, self.model.manifest.postprocess)?, report)
            }
        };
        let mask = mask.resized(picture.width(), picture.height())?;
        report.total_millis = now_millis() - start;
        Ok((mask, report))
    }
}
