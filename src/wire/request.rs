//! What the client asks.

use super::header::{Datatype, Parameters, WrittenOutput, WrittenRequest};
use super::numbers;
use super::read::{self, Data, OutputHeader, TensorHeader};
use super::tensors::{self, NamedTensor, Part, Written};
use super::{Encoded, IMAGE, Limits, divide, parse_size, size_text};
use crate::codec::Codec;
use crate::error::{Result, bail, brief, error};
use crate::tensor::value_count;
use std::borrow::Cow;

/// A request to run the body that lies between the inputs and the outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct InferRequest<'a> {
    /// What goes beside the tensors.
    pub parameters: RequestParameters,
    /// What the body is given.
    pub input: Input<'a>,
    /// What is wanted back; empty for the graph's own outputs.
    pub outputs: Vec<WantedOutput>,
}

/// What both ends compare before any work is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestParameters {
    /// The split's name: a label, or one of the model's, whose tensors must then be those of the request.
    pub split: Option<String>,
    /// The client's [`crate::model::Manifest::sha256`].
    pub model_sha256: Option<String>,
    /// Width, height of the graph's input, when not the model's own.
    pub size: Option<[usize; 2]>,
}

/// What the body is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Input<'a> {
    /// Crossing tensors.
    Tensors(Vec<NamedTensor<'a>>),
    /// A picture, for the whole net.
    Picture(Upload<'a>),
}

/// An encoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload<'a> {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub content_type: String,
    /// The file.
    pub bytes: Cow<'a, [u8]>,
}

/// An output and the form it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedOutput {
    /// As in the graph.
    pub name: String,
    /// How its values should travel.
    pub codec: Codec,
    /// Raw bytes behind the JSON; else numbers in it.
    pub binary: bool,
}

impl InferRequest<'_> {
    /// The bytes to post.
    ///
    /// # Errors
    /// `BadMessage` when a tensor is to stand in the JSON and cannot.
    pub fn encode(&self) -> Result<Encoded> {
        let (inputs, payloads) = match &self.input {
            Input::Tensors(named) => tensors::write(named)?,
            Input::Picture(upload) => write_picture(upload)?,
        };
        let mut parameters = Parameters::new();
        if let Some(split) = &self.parameters.split {
            parameters.insert("split".to_owned(), split.as_str().into());
        }
        if let Some(sha256) = &self.parameters.model_sha256 {
            parameters.insert("model_sha256".to_owned(), sha256.as_str().into());
        }
        if let Some(size) = self.parameters.size {
            parameters.insert("size".to_owned(), size_text(size).into());
        }
        if self.outputs.iter().all(|output| output.binary) {
            parameters.insert("binary_data_output".to_owned(), true.into());
        }
        let outputs = self.outputs.iter().map(output_header).collect();
        Encoded::join(&WrittenRequest { parameters, inputs, outputs }, &payloads)
    }

    /// Reads a whole body; servers that read it piece by piece use [`RequestHead`].
    ///
    /// # Errors
    /// `BadMessage` or `BadShape`, saying what was expected and what was found.
    pub fn decode<'a>(json_bytes: Option<usize>, body: &'a [u8], limits: &Limits) -> Result<InferRequest<'a>> {
        let (json, binary) = divide(json_bytes, body, limits)?;
        RequestHead::parse(json, limits)?.finish(json, binary)
    }
}

fn output_header(output: &WantedOutput) -> WrittenOutput<'_> {
    let mut parameters = Parameters::new();
    if output.codec != Codec::F32 {
        parameters.insert("codec".to_owned(), output.codec.name().into());
    }
    parameters.insert("binary_data".to_owned(), output.binary.into());
    WrittenOutput { name: &output.name, parameters }
}

fn write_picture<'a>(upload: &'a Upload<'_>) -> Result<Written<'a>> {
    let length = u32::try_from(upload.bytes.len())
        .map_err(|_| error!(BadArgument, "a picture of {} bytes is too large to send", upload.bytes.len()))?;
    let bytes = upload.bytes.len() + size_of::<u32>();
    let mut header = tensors::announced(IMAGE, Datatype::Bytes, vec![1], bytes);
    header.parameters.insert("content_type".to_owned(), upload.content_type.as_str().into());
    Ok((vec![header], vec![Cow::Owned(length.to_le_bytes().to_vec()), Cow::Borrowed(&upload.bytes)]))
}

/// The JSON part of a request, checked against itself and the limits, before its tensors are read.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// What goes beside the tensors.
    pub parameters: RequestParameters,
    /// What is wanted back.
    pub outputs: Vec<WantedOutput>,
    /// Whether outputs that the request does not name should be raw bytes.
    pub binary_outputs: bool,
    inputs: Vec<TensorHeader>,
    announced: Announced,
}

#[derive(Debug, Clone, PartialEq)]
enum Announced {
    Tensors(Vec<Part>),
    Picture { content_type: String },
}

impl RequestHead {
    /// # Errors
    /// `BadMessage` or `BadShape`, saying what was expected and what was found.
    pub fn parse(json: &[u8], limits: &Limits) -> Result<Self> {
        let header = read::request(json)?;
        let announced = match header.inputs.as_slice() {
            [one] if one.datatype == Datatype::Bytes => announced_picture(one, limits)?,
            [] => bail!(BadMessage, "expected at least one input"),
            inputs => Announced::Tensors(tensors::parts(inputs, limits)?),
        };
        if header.outputs.len() > limits.tensors {
            bail!(BadMessage, "{} outputs: expected at most {}", header.outputs.len(), limits.tensors);
        }
        let binary = header.parameters.flag("binary_data_output")?.unwrap_or(false);
        let mut outputs: Vec<WantedOutput> = Vec::with_capacity(header.outputs.len());
        for output in &header.outputs {
            if outputs.iter().any(|earlier| earlier.name == output.name) {
                bail!(BadMessage, "output {} is asked for twice", brief(&output.name));
            }
            outputs.push(wanted(output, binary).map_err(|e| e.context(format!("output {}", brief(&output.name))))?);
        }
        let parameters = RequestParameters {
            split: header.parameters.text("split")?.map(str::to_owned),
            model_sha256: header.parameters.text("model_sha256")?.map(str::to_owned),
            size: header.parameters.text("size")?.map(parse_size).transpose()?,
        };
        let head = Self { parameters, outputs, binary_outputs: binary, inputs: header.inputs, announced };
        head.payload_bytes()?;
        Ok(head)
    }

    /// Names, shapes and codecs of the crossing tensors; `None` when a picture was sent.
    pub fn tensors(&self) -> Option<impl Iterator<Item = (&str, &[usize], Codec)>> {
        let Announced::Tensors(parts) = &self.announced else {
            return None;
        };
        Some(parts.iter().map(|part| {
            let header = &self.inputs[part.values];
            (header.name.as_str(), header.shape.as_slice(), part.codec)
        }))
    }

    /// Bytes that follow the JSON.
    ///
    /// # Errors
    /// `BadMessage` when their sum overflows.
    pub fn payload_bytes(&self) -> Result<usize> {
        tensors::payload_bytes(&self.inputs)
    }

    /// Bytes that the numbers in the JSON become: none where all tensors are binary.
    ///
    /// # Errors
    /// `BadShape` or `BadMessage` when no memory could hold them.
    pub fn json_value_bytes(&self) -> Result<usize> {
        tensors::json_value_bytes(&self.inputs)
    }

    /// The whole request, given the JSON that it was parsed from and the bytes that follow it.
    ///
    /// # Errors
    /// `BadMessage` when the bytes or numbers are not as many as announced, or the numbers are none.
    pub fn finish<'a>(mut self, json: &[u8], binary: &'a [u8]) -> Result<InferRequest<'a>> {
        self.read_numbers(json)?;
        let mut payloads = tensors::payloads(&mut self.inputs, binary)?;
        let input = match self.announced {
            Announced::Tensors(parts) => Input::Tensors(tensors::read(&self.inputs, &parts, &mut payloads)),
            Announced::Picture { content_type } => {
                let (length, bytes) = binary
                    .split_first_chunk::<4>()
                    .ok_or_else(|| error!(BadMessage, "an image of {} bytes has no length", binary.len()))?;
                if u32::from_le_bytes(*length) as usize != bytes.len() {
                    let stated = u32::from_le_bytes(*length);
                    bail!(BadMessage, "image: expected one element of {stated} bytes, found {}", bytes.len());
                }
                Input::Picture(Upload { content_type, bytes: Cow::Borrowed(bytes) })
            }
        };
        Ok(InferRequest { parameters: self.parameters, input, outputs: self.outputs })
    }
}

impl RequestHead {
    /// Reads the numbers that stand in the JSON.
    fn read_numbers(&mut self, json: &[u8]) -> Result<()> {
        let unread = |header: &TensorHeader| header.data == Some(Data::Unread);
        if !self.inputs.iter().any(unread) {
            return Ok(());
        }
        let count = |header: &TensorHeader| unread(header).then(|| value_count(&header.shape)).transpose();
        let counts = self.inputs.iter().map(count).collect::<Result<Vec<_>>>()?;
        let numbers = numbers::read(json, &counts)
            .map_err(|(input, e)| e.context(format!("tensor {}", brief(&self.inputs[input].name))))?;
        for (header, numbers) in self.inputs.iter_mut().zip(numbers).filter(|(header, _)| unread(header)) {
            header.data = Some(Data::Read(numbers));
        }
        Ok(())
    }
}

fn announced_picture(header: &TensorHeader, limits: &Limits) -> Result<Announced> {
    if header.name != IMAGE || header.shape != [1] {
        let found = (brief(&header.name), brief(&header.shape));
        bail!(BadMessage, "expected BYTES input {IMAGE:?} of shape [1], found {} {}", found.0, found.1);
    }
    let Some(bytes) = header.payload_bytes()? else {
        bail!(BadMessage, "an image must be binary data");
    };
    if bytes > limits.picture_bytes.saturating_add(size_of::<u32>()) {
        bail!(BadMessage, "an image of {bytes} bytes: expected at most {}", limits.picture_bytes);
    }
    let content_type = header.text("content_type")?.unwrap_or_default().to_owned();
    Ok(Announced::Picture { content_type })
}

fn wanted(output: &OutputHeader, binary: bool) -> Result<WantedOutput> {
    let codec = match output.parameters.text("codec")? {
        None => Codec::F32,
        Some(name) if name == Codec::Alpha8.name() => Codec::Alpha8,
        Some(name) => name.parse::<Codec>().map_err(|e| error!(BadMessage, "{}", e.message()))?,
    };
    let binary = output.parameters.flag("binary_data")?.unwrap_or(binary);
    if !binary && codec != Codec::F32 {
        bail!(BadMessage, "{codec} has no JSON form: ask for binary data");
    }
    Ok(WantedOutput { name: output.name.clone(), codec, binary })
}
