//! Answers against expectations.

use crate::problem::Problem;
use headwater::tensor::Tensor;

/// The largest difference as a share of what is allowed, or a sentence that says what is wrong:
/// the problem, the output, the worst place, and both values there.
pub(crate) fn compare(problem: &Problem, epsilon: f64, expected: &[Tensor], found: &[Tensor]) -> Result<f64, String> {
    let name = &problem.name;
    if found.len() != expected.len() {
        return Err(format!("{name}: expected {} outputs, found {}", expected.len(), found.len()));
    }
    let mut worst_share: f64 = 0.0;
    for (number, (expected, found)) in expected.iter().zip(found).enumerate() {
        if expected.shape() != found.shape() {
            return Err(format!("{name}, output {number}: expected {:?}, found {:?}", expected.shape(), found.shape()));
        }
        let greatest = expected.data().iter().fold(0.0, |greatest: f64, value| greatest.max(f64::from(value.abs())));
        let allowed = problem.tolerance.allowed(epsilon, greatest);
        let pairs = expected.data().iter().zip(found.data());
        // A NaN is worse than any difference.
        let difference = |(a, b): (&f32, &f32)| match (f64::from(*a) - f64::from(*b)).abs() {
            nan if nan.is_nan() => f64::INFINITY,
            difference => difference,
        };
        let worst = pairs.clone().map(difference).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((place, difference_there)) = worst else { continue };
        worst_share = worst_share.max(difference_there / allowed);
        if difference_there > allowed {
            let wrong = pairs.map(difference).filter(|&difference| difference > allowed).count();
            return Err(format!(
                "{name}, output {number} {:?}: worst at {:?}: expected {}, found {} (off by {difference_there:.3e}, \
                 allowed {allowed:.3e}: {:.0} terms, greatest value {greatest:.3}); {wrong} of {} values are too far",
                expected.shape(),
                index(place, expected.shape()),
                expected.data()[place],
                found.data()[place],
                problem.tolerance.terms,
                expected.data().len(),
            ));
        }
    }
    Ok(worst_share)
}

/// The index along each axis of a row-major place.
fn index(mut place: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (slot, &length) in index.iter_mut().zip(shape).rev() {
        *slot = place % length;
        place /= length;
    }
    index
}
