//! The state of an import: what each ONNX value has become so far, and the graph under construction.

use super::call::Call;
use super::constant::Constant;
use super::external::External;
use super::quantised::Quantised;
use super::sizes::{self, Sizes};
use super::sort::place;
use super::{fold, operators, tensor};
use crate::error::{Result, bail, error};
use crate::graph::scaling::Fit;
use crate::graph::{Graph, Node, Op, TensorId, TensorSpec, WeightId, WeightSpec, shape};
use rten_onnx::onnx::NodeProto;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What a name in the ONNX file stands for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// An activation.
    Tensor(TensorId),
    /// Known while importing.
    Constant(Constant),
    /// An intermediate of dynamic quantisation, of which nothing remains in the graph.
    Quantised(Quantised),
}

/// A graph being built.
pub(super) struct Lowering {
    pub(super) graph: Graph,
    /// One for each of the graph's weights.
    pub(super) constants: Vec<Constant>,
    /// Nodes that stand for a batch normalization.
    pub(super) batch_norms: HashSet<usize>,
    /// Convolutions that were quantised, whose bias follows as an addition.
    pub(super) dequantised: HashSet<usize>,
    /// Attributes that follow the size, by node.
    pub(super) fits: HashMap<usize, Fit>,
    /// Whether activations were quantised in steps that nothing is made of.
    pub(super) has_steps: bool,
    /// What concerns sizes.
    pub(super) sizes: Sizes,
    /// What an earlier reading at the file's own size met, where that is fixed.
    pub(super) earlier: Option<Rc<Sizes>>,
    values: HashMap<String, Value>,
    weight_ids: HashMap<String, WeightId>,
    tensor_names: HashSet<String>,
    fold_budget: usize,
}

impl Lowering {
    /// `fold_budget`: constants that may be computed, in values. It grows with the file, so that a small
    /// file cannot ask for gigabytes by using the same weights again and again.
    pub(super) fn new(fold_budget: usize) -> Self {
        let graph = Graph {
            tensors: vec![],
            weights: vec![],
            nodes: vec![],
            inputs: vec![],
            outputs: vec![],
            scaling: Default::default(),
        };
        Self {
            graph,
            constants: Vec::new(),
            batch_norms: HashSet::new(),
            dequantised: HashSet::new(),
            fits: HashMap::new(),
            has_steps: false,
            sizes: Sizes::default(),
            earlier: None,
            values: HashMap::new(),
            weight_ids: HashMap::new(),
            tensor_names: HashSet::new(),
            fold_budget,
        }
    }

    /// Adds what `node` computes.
    ///
    /// # Errors
    /// As [`super::import_onnx`]; the node and its operator stand in front of the message.
    pub(super) fn add(&mut self, node: &NodeProto, opset: i64, external: &External) -> Result<()> {
        let call = Call { node, opset, external };
        self.dispatch(call).map_err(|e| e.context(place(node)))
    }

    fn dispatch(&mut self, call: Call<'_>) -> Result<()> {
        let domain = call.node.domain.as_deref().unwrap_or("");
        if !matches!(domain, "" | "ai.onnx") {
            bail!(UnsupportedOperator, "expected an operator of the standard set, found one of {domain:?}");
        }
        if call.operator() == "If" {
            return self.branch(call);
        }
        if call.node.attribute.iter().any(|attribute| attribute.g.is_some()) {
            bail!(UnsupportedOperator, "expected plain data flow, found control flow (a graph inside a node)");
        }
        if fold::try_fold(self, call)? {
            return Ok(());
        }
        match operators::find(call.operator()) {
            Some(lower) => lower(self, call),
            None => {
                bail!(UnsupportedOperator, "expected an operator that this crate knows, found {:?}", call.operator())
            }
        }
    }

    /// `If` whose condition is known, as exporters write it around a `squeeze`: the branch that is taken.
    fn branch(&mut self, call: Call<'_>) -> Result<()> {
        let unknown =
            || error!(UnsupportedOperator, "control flow: expected a condition that is known while converting");
        let condition = match self.operand(call, 0)? {
            Value::Constant(constant) => constant.scalar()? != 0.0,
            _ => return Err(unknown()),
        };
        let name = if condition { "then_branch" } else { "else_branch" };
        let Some(graph) = call.attribute(name).and_then(|attribute| attribute.g.as_ref()) else {
            bail!(BadModel, "expected a {name}, found none");
        };
        for initializer in &graph.initializer {
            let constant = tensor::read(initializer, call.external)?;
            self.set(initializer.name.as_deref().unwrap_or(""), Value::Constant(constant));
        }
        graph.node.iter().try_for_each(|node| self.add(node, call.opset, call.external))?;
        for (outer, inner) in call.node.output.iter().zip(&graph.output) {
            let value = self.value(inner.name.as_deref().unwrap_or(""))?.clone();
            self.set(outer, value);
        }
        Ok(())
    }

    /// Values that may still be computed.
    pub(super) fn fold_budget(&self) -> usize {
        self.fold_budget
    }

    /// Raises the budget for `values` that were read from another file.
    pub(super) fn earn(&mut self, values: usize) {
        self.fold_budget = self.fold_budget.saturating_add(values.saturating_mul(2));
    }

    /// Takes `values` computed values off the budget.
    ///
    /// # Errors
    /// `BadModel` when there are not so many left.
    pub(super) fn spend(&mut self, values: usize) -> Result<()> {
        fold::afford(values, self.fold_budget)?;
        self.fold_budget -= values;
        Ok(())
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    pub(super) fn value(&self, name: &str) -> Result<&Value> {
        // Order and existence were checked before: what is missing is an output that its operator's
        // lowering does not make, such as the indices of a MaxPool.
        self.values
            .get(name)
            .ok_or_else(|| error!(UnsupportedOperator, "reads {name:?}, an output that this crate does not compute"))
    }

    /// Input `index` of `call`, which must be there.
    pub(super) fn operand(&self, call: Call<'_>, index: usize) -> Result<&Value> {
        let name = call.input(index).ok_or_else(|| error!(BadModel, "expected an input {index}, found none"))?;
        self.value(name)
    }

    /// Input `index` as an activation.
    pub(super) fn tensor(&self, call: Call<'_>, index: usize) -> Result<TensorId> {
        match self.operand(call, index)? {
            Value::Tensor(id) => Ok(*id),
            Value::Constant(_) => {
                Err(error!(UnsupportedOperator, "input {index}: expected an activation, found a constant"))
            }
            Value::Quantised(_) => {
                Err(error!(UnsupportedOperator, "input {index}: expected an activation, found a quantised one"))
            }
        }
    }

    /// Input `index` as a constant; `None` when it is left out.
    pub(super) fn constant(&self, call: Call<'_>, index: usize) -> Result<Option<&Constant>> {
        let Some(name) = call.input(index) else { return Ok(None) };
        match self.value(name)? {
            Value::Constant(constant) => Ok(Some(constant)),
            _ => Err(error!(UnsupportedOperator, "input {index} ({name:?}): expected a constant, found an activation")),
        }
    }

    /// The shape of an activation.
    pub(super) fn shape(&self, id: TensorId) -> &[usize] {
        &self.graph.tensors[id].shape
    }

    /// `[height, width]` of an activation that is a picture.
    pub(super) fn image_size(&self, id: TensorId) -> Result<[usize; 2]> {
        shape::image(self.shape(id)).map(|[_, _, height, width]| [height, width])
    }

    /// Declares a graph input.
    pub(super) fn input(&mut self, name: &str, shape: Vec<usize>) -> Result<()> {
        crate::tensor::value_count(&shape)?;
        let id = self.new_tensor(name, shape);
        self.graph.inputs.push(id);
        self.set(name, Value::Tensor(id));
        Ok(())
    }

    /// Adds a node whose result is output 0 of `call`.
    pub(super) fn emit(&mut self, call: Call<'_>, op: Op, inputs: Vec<TensorId>, weights: Vec<WeightId>) -> Result<()> {
        let name = call.output(0)?;
        let id = self.emit_as(call, name, op, inputs, weights)?;
        self.set(name, Value::Tensor(id));
        Ok(())
    }

    /// As [`Self::emit`]; `fit` is how the node's attributes follow the size.
    pub(super) fn emit_fitted(
        &mut self,
        call: Call<'_>,
        op: Op,
        fit: Option<Fit>,
        input: TensorId,
        weights: Vec<WeightId>,
    ) -> Result<()> {
        self.emit(call, op, vec![input], weights)?;
        if let Some(fit) = fit {
            self.fits.insert(self.graph.nodes.len() - 1, fit);
        }
        Ok(())
    }

    /// Notes that the last node holds the net at its size, unless another one does already.
    pub(super) fn hold_size(&mut self, reason: &str) {
        if let Some(node) = self.graph.nodes.last() {
            self.sizes.fixed.get_or_insert_with(|| sizes::fixed(node, reason));
        }
    }

    /// Adds a node whose result is called `name`.
    pub(super) fn emit_as(
        &mut self,
        call: Call<'_>,
        name: &str,
        op: Op,
        inputs: Vec<TensorId>,
        weights: Vec<WeightId>,
    ) -> Result<TensorId> {
        let input_shapes: Vec<_> = inputs.iter().map(|&id| self.shape(id)).collect();
        let weight_shapes: Vec<_> = weights.iter().map(|&id| self.graph.weights[id].shape.as_slice()).collect();
        let shape = shape::infer(&op, &input_shapes, &weight_shapes)?;
        let output = self.new_tensor(name, shape);
        let node_name = call.node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| name.to_owned());
        self.graph.nodes.push(Node { name: node_name, op, inputs, weights, output });
        Ok(output)
    }

    fn new_tensor(&mut self, name: &str, shape: Vec<usize>) -> TensorId {
        let name = unused(name, |name| self.tensor_names.contains(name));
        self.tensor_names.insert(name.clone());
        self.graph.tensors.push(TensorSpec { name, shape });
        self.graph.tensors.len() - 1
    }

    /// Output 0 of `call` is its input `index` under another name.
    pub(super) fn alias(&mut self, call: Call<'_>, index: usize) -> Result<()> {
        let value = self.operand(call, index)?.clone();
        self.set(call.output(0)?, value);
        Ok(())
    }

    /// The graph's weight with these values; the same constant under the same name is kept once.
    pub(super) fn weight(&mut self, name: &str, constant: &Constant) -> Result<WeightId> {
        if let Some(&id) = self.weight_ids.get(name)
            && self.constants[id].is_same(constant)
        {
            return Ok(id);
        }
        crate::tensor::value_count(&constant.shape).map_err(|e| e.context(format!("constant {name:?}")))?;
        let name = unused(name, |name| self.weight_ids.contains_key(name));
        let id = self.constants.len();
        self.constants.push(constant.clone());
        self.graph.weights.push(WeightSpec { name: name.clone(), shape: constant.shape.clone() });
        self.weight_ids.insert(name, id);
        Ok(id)
    }

    /// Input `index` as a weight; `None` when it is left out.
    pub(super) fn weight_input(&mut self, call: Call<'_>, index: usize) -> Result<Option<WeightId>> {
        let Some(constant) = self.constant(call, index)?.cloned() else { return Ok(None) };
        let name = call.input(index).unwrap_or_default();
        self.weight(name, &constant).map(Some)
    }
}

/// `name`, or `name.2`, `name.3`, ... when that is taken.
fn unused(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    // Names are few beside the numbers, so this ends.
    (2usize..).map(|number| format!("{name}.{number}")).find(|candidate| !taken(candidate)).unwrap_or_default()
}
