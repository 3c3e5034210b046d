//! The session that all pictures of a run share.

use super::Arguments;
use super::placement::{Placed, place};
use super::remote::transport;
use crate::model_file::open_model;
use crate::transport::AnyTransport;
use headwater::image::{Mask, Picture};
use headwater::model::Model;
use headwater::session::{Options, Report, Session};
use headwater::split::Placement;
use headwater::wire::client::RemoteBody;

/// A session, and why it is not as asked for.
pub(super) struct Ready {
    session: Session<AnyTransport>,
    fallback: Option<String>,
}

impl Ready {
    pub(super) fn open(arguments: &Arguments) -> anyhow::Result<Self> {
        let source = open_model(&arguments.model)?;
        let manifest = pollster::block_on(Model::open(&source))?.manifest;
        let Placed { placement, gpu, fallback } = place(arguments, &manifest)?;
        let remote = match placement {
            Placement::Local => None,
            _ => Some(RemoteBody::new(transport(arguments)?, manifest.name.clone(), manifest.sha256.clone())),
        };
        let size = arguments.size.unwrap_or(manifest.preprocess.size);
        let options = Options { placement, size, codec: arguments.codec.parse()?, precision: arguments.precision };
        let session = pollster::block_on(Session::open(&source, options, gpu, remote))?;
        Ok(Self { session, fallback })
    }

    /// The mask, and a report of each of `repeat` times.
    pub(super) fn segment(&self, picture: &Picture, repeat: u32) -> headwater::Result<(Mask, Vec<Report>)> {
        let mut reports = Vec::new();
        loop {
            let (mask, mut report) = pollster::block_on(self.session.segment(picture))?;
            report.fallback = self.fallback.clone().or(report.fallback);
            reports.push(report);
            if reports.len() >= repeat as usize {
                return Ok((mask, reports));
            }
        }
    }
}
