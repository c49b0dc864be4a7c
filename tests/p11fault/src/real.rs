//! The real module behind this one.

use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CKR_OK};
use libloading::Library;
use std::sync::OnceLock;
use std::{env, ptr};

static REAL: OnceLock<Option<Real>> = OnceLock::new();

struct Real {
    list: CK_FUNCTION_LIST,
    /// Keeps the functions of the list where they are.
    _library: Library,
}

/// The functions of the real module; `None` where it cannot be loaded.
pub(crate) fn list() -> Option<&'static CK_FUNCTION_LIST> {
    REAL.get_or_init(load).as_ref().map(|real| &real.list)
}

fn load() -> Option<Real> {
    let path = env::var_os("P11FAULT_MODULE")?;
    // SAFETY: loading runs the initialisers of a PKCS#11 module that the test names; they are
    // made to be run by any process.
    let library = unsafe { Library::new(path) }.ok()?;
    // SAFETY: PKCS#11 gives `C_GetFunctionList` this signature in every version.
    let get = unsafe {
        library.get::<unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV>(
            b"C_GetFunctionList\0",
        )
    }
    .ok()?;
    let mut list = ptr::null_mut();
    // SAFETY: the pointer is valid for writing one pointer.
    let outcome = unsafe { get(&raw mut list) };
    if outcome != CKR_OK || list.is_null() {
        return None;
    }
    // SAFETY: on success the module has written a pointer to its list, which lives as long as the
    // module stays loaded; it is copied, and the library is kept.
    let list = unsafe { *list };
    Some(Real { list, _library: library })
}
