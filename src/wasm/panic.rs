//! Bugs. A panic ends Wasm in the middle of a step, and what a script awaits would never come.

use std::cell::RefCell;
use wasm_bindgen::prelude::*;

thread_local! {
    static LISTENER: RefCell<Option<js_sys::Function>> = const { RefCell::new(None) };
}

/// Calls `listener` with a sentence when something panics: whatever is pending then never ends, and this
/// instance of the module must not be used again.
#[wasm_bindgen]
pub fn on_panic(#[wasm_bindgen(unchecked_param_type = "(message: string) => void")] listener: js_sys::Function) {
    LISTENER.with_borrow_mut(|place| *place = Some(listener));
    std::panic::set_hook(Box::new(|info| {
        let message = info.to_string();
        LISTENER.with_borrow(|listener| {
            if let Some(listener) = listener {
                // There is nobody left to tell.
                let _ = listener.call1(&JsValue::NULL, &message.as_str().into());
            }
        });
    }));
}
