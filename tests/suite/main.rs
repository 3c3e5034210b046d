//! The operator suite: written once, run on every runtime.
//!
//! Problems are random in shape and attributes and the same in every run; a failure names the
//! problem's maker and seed. The reference interpreter answers for all of them and is itself held
//! to ONNX Runtime's answers in `tests/golden/operators`. Any other runtime implements [`Runtime`]
//! and goes through [`check_runtime`].

mod compare;
mod golden;
mod gpu;
mod import;
mod nets;
mod operators;
mod plans;
mod problem;
mod random;
#[path = "../soundness/mod.rs"]
mod soundness;
mod suite_itself;
mod unfuse;

use compare::compare;
use headwater::reference;
use headwater::tensor::Tensor;
use problem::Problem;

/// Something that runs graphs.
pub(crate) trait Runtime {
    /// For messages.
    fn name(&self) -> &str;

    /// The graph's outputs, in its order.
    fn run(&self, problem: &Problem) -> headwater::Result<Vec<Tensor>>;

    /// The relative error of one operation: f32's, unless the runtime computes in less.
    fn epsilon(&self) -> f64 {
        f64::from(f32::EPSILON)
    }
}

/// The plain loops of `src/reference`.
struct Reference;

impl Runtime for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn run(&self, problem: &Problem) -> headwater::Result<Vec<Tensor>> {
        reference::run(&problem.graph, &problem.weights, &problem.inputs)
    }
}

/// A maker of problems and how many of them a run checks.
type Family = (fn(u64) -> Problem, u64);

const FAMILIES: &[Family] = &[
    (operators::conv, 120),
    (operators::blocked_conv, 12),
    (operators::fused_conv, 120),
    (operators::fused_depthwise, 20),
    (operators::conv_transpose, 40),
    (operators::pool, 60),
    (operators::resize, 60),
    (operators::pointwise, 80),
    (operators::layout, 60),
    (nets::residual_u, 30),
    (nets::tangle, 60),
];

/// Every random problem, made when it is asked for.
pub(crate) fn random_problems() -> impl Iterator<Item = Problem> {
    FAMILIES.iter().flat_map(|&(make, count)| (0..count).map(make))
}

/// Failures that are printed; the rest is counted.
const SHOWN: usize = 10;

/// Runs each problem and compares. The largest error met, as a share of what is allowed, or
/// sentences on all that is wrong, not only the first.
fn check(runtime: &dyn Runtime, problems: impl Iterator<Item = (Problem, Vec<Tensor>)>) -> Result<f64, String> {
    let mut failures = Vec::new();
    let mut count = 0;
    let mut worst: f64 = 0.0;
    for (problem, expected) in problems {
        count += 1;
        let result = match runtime.run(&problem) {
            Ok(found) => compare(&problem, runtime.epsilon(), &expected, &found),
            Err(e) => Err(format!("{}: {e:?}", problem.name)),
        };
        match result {
            Ok(share) => worst = worst.max(share),
            Err(message) => failures.push(message),
        }
    }
    if failures.is_empty() && count > 0 {
        return Ok(worst);
    }
    let shown = failures[..failures.len().min(SHOWN)].join("\n");
    Err(format!("{}: {} of {count} problems failed:\n{shown}", runtime.name(), failures.len()))
}

/// Random problems with the reference's answers.
fn answered() -> impl Iterator<Item = (Problem, Vec<Tensor>)> {
    random_problems().map(|problem| {
        let expected = Reference.run(&problem).unwrap_or_else(|e| panic!("reference, {}: {e}", problem.name));
        (problem, expected)
    })
}

/// Holds a runtime to ONNX Runtime's answers and to the reference's over every random problem;
/// panics with what is wrong.
pub(crate) fn check_runtime(runtime: &dyn Runtime) {
    let shares = [check(runtime, golden::cases().into_iter()), check(runtime, answered())];
    for (problems, share) in ["golden", "random"].into_iter().zip(shares) {
        match share {
            Ok(share) => println!("{}, {problems}: largest error {share:.3} of what is allowed", runtime.name()),
            Err(message) => panic!("{problems}: {message}"),
        }
    }
}

#[test]
fn the_reference_agrees_with_onnx_runtime() {
    check_runtime(&Reference);
}
