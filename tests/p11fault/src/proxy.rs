//! The functions of the module: each asks the rules, then the real module, and is logged.
#![expect(non_snake_case, reason = "the names that PKCS#11 gives")]

use crate::rules::Effect;
use crate::spoil::Spoil;
use crate::{calls, real, rules};
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BBOOL, CK_BYTE, CK_FLAGS, CK_FUNCTION_LIST, CK_INFO, CK_MECHANISM,
    CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_NOTIFY, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE,
    CK_SESSION_INFO, CK_SLOT_ID, CK_SLOT_INFO, CK_TOKEN_INFO, CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR,
    CKA_ID, CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR, CKR_OK,
    CKR_SESSION_HANDLE_INVALID,
};
use std::ffi::c_void;
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Handles of the real modules stay below this; the number of the epoch stands above.
const EPOCH_SHIFT: u32 = 40;

/// How often `C_Initialize` succeeded.
static EPOCH: AtomicU64 = AtomicU64::new(0);

static LIST: OnceLock<List> = OnceLock::new();

struct List(CK_FUNCTION_LIST);

/// Gives out this module's functions: the one symbol that a user of the module needs.
///
/// # Safety
/// As PKCS#11 says: the pointer must be valid for writing one pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    let (Some(real), false) = (real::list(), list.is_null()) else { return CKR_ARGUMENTS_BAD };
    let ours = &raw const LIST.get_or_init(|| List(functions(real))).0;
    // SAFETY: not null, and valid for writing by the contract of this function. Nobody writes to
    // the list itself.
    unsafe { list.write(ours.cast_mut()) };
    CKR_OK
}

/// Runs one call: the rules first, then the real module; logs it with whatever else is known.
fn run(function: &str, more: &str, call: impl FnOnce(&CK_FUNCTION_LIST) -> Option<CK_RV>) -> CK_RV {
    run_giving(function, more, call, |_| {})
}

/// The same for a call that gives something, which a rule may have spoilt.
fn run_giving(
    function: &str,
    more: &str,
    call: impl FnOnce(&CK_FUNCTION_LIST) -> Option<CK_RV>,
    spoil: impl FnOnce(Spoil),
) -> CK_RV {
    let effect = rules::apply(function);
    let code = match effect {
        Effect::Code(code) => code,
        Effect::Pass | Effect::Spoil(_) => real::list()
            .map_or(CKR_GENERAL_ERROR, |real| call(real).unwrap_or(CKR_FUNCTION_NOT_SUPPORTED)),
    };
    if let (Effect::Spoil(how), CKR_OK) = (effect, code) {
        spoil(how);
    }
    calls::note(function, code, &more);
    code
}

/// The real module's handle of a session, unless it is one of a former epoch.
fn translate(session: CK_SESSION_HANDLE) -> Option<CK_SESSION_HANDLE> {
    let current = session >> EPOCH_SHIFT == EPOCH.load(Ordering::SeqCst);
    current.then_some(session & ((1 << EPOCH_SHIFT) - 1))
}

fn stale(function: &str) -> CK_RV {
    calls::note(function, CKR_SESSION_HANDLE_INVALID, &"stale");
    CKR_SESSION_HANDLE_INVALID
}

/// `CKA_ID` of a key in hexadecimal, asked of the real module.
fn key_id(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> String {
    let mut id = [0_u8; 64];
    let mut attribute = CK_ATTRIBUTE {
        type_: CKA_ID,
        pValue: id.as_mut_ptr().cast(),
        ulValueLen: id.len() as CK_ULONG,
    };
    let Some(get) = real::list().and_then(|real| real.C_GetAttributeValue) else {
        return String::new();
    };
    // SAFETY: one attribute whose buffer is as long as it says; the real module checks handles.
    let outcome = unsafe { get(session, key, &raw mut attribute, 1) };
    let known = usize::try_from(attribute.ulValueLen).ok().and_then(|len| id.get(..len));
    let mut text = String::new();
    if let (CKR_OK, Some(known)) = (outcome, known) {
        for byte in known {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

unsafe extern "C" fn C_Initialize(args: *mut c_void) -> CK_RV {
    run("C_Initialize", "", |real| {
        // SAFETY: the caller's arguments, passed on as they are.
        let code = unsafe { real.C_Initialize?(args) };
        if code == CKR_OK {
            EPOCH.fetch_add(1, Ordering::SeqCst);
        }
        Some(code)
    })
}

unsafe extern "C" fn C_Finalize(args: *mut c_void) -> CK_RV {
    run("C_Finalize", "", |real| {
        // SAFETY: the caller's arguments, passed on as they are.
        Some(unsafe { real.C_Finalize?(args) })
    })
}

unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: *mut c_void,
    notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    run("C_OpenSession", "", |real| {
        // SAFETY: the caller's arguments, passed on as they are.
        let code = unsafe { real.C_OpenSession?(slot, flags, application, notify, session) };
        if code == CKR_OK && !session.is_null() {
            let epoch = EPOCH.load(Ordering::SeqCst) << EPOCH_SHIFT;
            // SAFETY: not null, and the real module has just written a handle there.
            unsafe { *session |= epoch };
        }
        Some(code)
    })
}

unsafe extern "C" fn C_Encrypt(
    session: CK_SESSION_HANDLE,
    plain: *mut CK_BYTE,
    plain_len: CK_ULONG,
    sealed: *mut CK_BYTE,
    sealed_len: *mut CK_ULONG,
) -> CK_RV {
    let Some(session) = translate(session) else { return stale("C_Encrypt") };
    let call = |real: &CK_FUNCTION_LIST| {
        // SAFETY: the caller's arguments, passed on as they are but for the handle, which is the
        // real module's own again.
        let code = unsafe { real.C_Encrypt?(session, plain, plain_len, sealed, sealed_len) };
        if code == CKR_OK {
            // SAFETY: the real module has just read as many bytes there.
            unsafe { note_secret(plain, plain_len) };
        }
        Some(code)
    };
    // SAFETY: the caller's own output, as the real module has just filled it.
    run_giving("C_Encrypt", "", call, |how| unsafe { how.bytes(sealed, sealed_len) })
}

unsafe extern "C" fn C_Decrypt(
    session: CK_SESSION_HANDLE,
    sealed: *mut CK_BYTE,
    sealed_len: CK_ULONG,
    plain: *mut CK_BYTE,
    plain_len: *mut CK_ULONG,
) -> CK_RV {
    let Some(session) = translate(session) else { return stale("C_Decrypt") };
    let call = |real: &CK_FUNCTION_LIST| {
        // SAFETY: the caller's arguments, passed on as they are but for the handle, which is the
        // real module's own again.
        let code = unsafe { real.C_Decrypt?(session, sealed, sealed_len, plain, plain_len) };
        if code == CKR_OK && !plain.is_null() && !plain_len.is_null() {
            // SAFETY: not null, and the real module has just written the number there.
            let len = unsafe { *plain_len };
            // SAFETY: the real module has just written as many bytes there.
            unsafe { note_secret(plain, len) };
        }
        Some(code)
    };
    // SAFETY: the caller's own output, as the real module has just filled it.
    run_giving("C_Decrypt", "", call, |how| unsafe { how.bytes(plain, plain_len) })
}

unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    message: *mut CK_BYTE,
    message_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    let Some(session) = translate(session) else { return stale("C_Sign") };
    let call = |real: &CK_FUNCTION_LIST| {
        // SAFETY: the caller's arguments, passed on as they are but for the handle, which is the
        // real module's own again.
        Some(unsafe { real.C_Sign?(session, message, message_len, signature, signature_len) })
    };
    // SAFETY: the caller's own output, as the real module has just filled it.
    run_giving("C_Sign", "", call, |how| unsafe { how.bytes(signature, signature_len) })
}

unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    found: *mut CK_OBJECT_HANDLE,
    room: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    let Some(session) = translate(session) else { return stale("C_FindObjects") };
    let call = |real: &CK_FUNCTION_LIST| {
        // SAFETY: the caller's arguments, passed on as they are but for the handle, which is the
        // real module's own again.
        Some(unsafe { real.C_FindObjects?(session, found, room, count) })
    };
    // SAFETY: the caller's own output, as the real module has just filled it.
    run_giving("C_FindObjects", "", call, |how| unsafe { how.handles(found, room, count) })
}

/// Writes down a secret that the token sealed or opened.
///
/// # Safety
/// So many bytes can be read there, where it is not null.
unsafe fn note_secret(bytes: *const CK_BYTE, len: CK_ULONG) {
    if let (false, Ok(len)) = (bytes.is_null(), usize::try_from(len)) {
        // SAFETY: by the contract of this function.
        calls::note_secret(unsafe { std::slice::from_raw_parts(bytes, len) });
    }
}

macro_rules! proxy {
    (plain $name:ident($($arg:ident: $type:ty),*)) => {
        unsafe extern "C" fn $name($($arg: $type),*) -> CK_RV {
            run(stringify!($name), "", |real| {
                // SAFETY: the caller's arguments, passed on as they are.
                Some(unsafe { real.$name?($($arg),*) })
            })
        }
    };
    (session $name:ident($session:ident: $handle:ty $(, $arg:ident: $type:ty)*)) => {
        unsafe extern "C" fn $name($session: $handle, $($arg: $type),*) -> CK_RV {
            let Some($session) = translate($session) else { return stale(stringify!($name)) };
            run(stringify!($name), "", |real| {
                // SAFETY: the caller's arguments, passed on as they are but for the handle, which
                // is the real module's own again.
                Some(unsafe { real.$name?($session, $($arg),*) })
            })
        }
    };
    (keyed $name:ident($session:ident: $handle:ty, $mechanism:ident: $type:ty, $key:ident: $object:ty)) => {
        unsafe extern "C" fn $name($session: $handle, $mechanism: $type, $key: $object) -> CK_RV {
            let Some($session) = translate($session) else { return stale(stringify!($name)) };
            run(stringify!($name), &key_id($session, $key), |real| {
                // SAFETY: the caller's arguments, passed on as they are but for the handle, which
                // is the real module's own again.
                Some(unsafe { real.$name?($session, $mechanism, $key) })
            })
        }
    };
}

macro_rules! proxies {
    ($($kind:ident $name:ident $arguments:tt;)+) => {
        $(proxy!($kind $name $arguments);)+

        fn functions(real: &CK_FUNCTION_LIST) -> CK_FUNCTION_LIST {
            CK_FUNCTION_LIST {
                version: real.version,
                C_GetFunctionList: Some(C_GetFunctionList),
                C_Initialize: Some(C_Initialize),
                C_Finalize: Some(C_Finalize),
                C_OpenSession: Some(C_OpenSession),
                C_Encrypt: Some(C_Encrypt),
                C_Decrypt: Some(C_Decrypt),
                C_Sign: Some(C_Sign),
                C_FindObjects: Some(C_FindObjects),
                $($name: Some($name),)+
            }
        }
    };
}

proxies! {
    plain C_GetInfo(a1: *mut CK_INFO);
    plain C_GetSlotList(a1: CK_BBOOL, a2: *mut CK_SLOT_ID, a3: *mut CK_ULONG);
    plain C_GetSlotInfo(a1: CK_SLOT_ID, a2: *mut CK_SLOT_INFO);
    plain C_GetTokenInfo(a1: CK_SLOT_ID, a2: *mut CK_TOKEN_INFO);
    plain C_GetMechanismList(a1: CK_SLOT_ID, a2: *mut CK_MECHANISM_TYPE, a3: *mut CK_ULONG);
    plain C_GetMechanismInfo(a1: CK_SLOT_ID, a2: CK_MECHANISM_TYPE, a3: *mut CK_MECHANISM_INFO);
    plain C_InitToken(a1: CK_SLOT_ID, a2: *mut CK_UTF8CHAR, a3: CK_ULONG, a4: *mut CK_UTF8CHAR);
    session C_InitPIN(session: CK_SESSION_HANDLE, a2: *mut CK_UTF8CHAR, a3: CK_ULONG);
    session C_SetPIN(session: CK_SESSION_HANDLE, a2: *mut CK_UTF8CHAR, a3: CK_ULONG, a4: *mut CK_UTF8CHAR, a5: CK_ULONG);
    session C_CloseSession(session: CK_SESSION_HANDLE);
    plain C_CloseAllSessions(a1: CK_SLOT_ID);
    session C_GetSessionInfo(session: CK_SESSION_HANDLE, a2: *mut CK_SESSION_INFO);
    session C_GetOperationState(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: *mut CK_ULONG);
    session C_SetOperationState(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: CK_OBJECT_HANDLE, a5: CK_OBJECT_HANDLE);
    session C_Login(session: CK_SESSION_HANDLE, a2: CK_USER_TYPE, a3: *mut CK_UTF8CHAR, a4: CK_ULONG);
    session C_Logout(session: CK_SESSION_HANDLE);
    session C_CreateObject(session: CK_SESSION_HANDLE, a2: *mut CK_ATTRIBUTE, a3: CK_ULONG, a4: *mut CK_OBJECT_HANDLE);
    session C_CopyObject(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE, a3: *mut CK_ATTRIBUTE, a4: CK_ULONG, a5: *mut CK_OBJECT_HANDLE);
    session C_DestroyObject(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE);
    session C_GetObjectSize(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE, a3: *mut CK_ULONG);
    session C_GetAttributeValue(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE, a3: *mut CK_ATTRIBUTE, a4: CK_ULONG);
    session C_SetAttributeValue(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE, a3: *mut CK_ATTRIBUTE, a4: CK_ULONG);
    session C_FindObjectsInit(session: CK_SESSION_HANDLE, a2: *mut CK_ATTRIBUTE, a3: CK_ULONG);
    session C_FindObjectsFinal(session: CK_SESSION_HANDLE);
    keyed C_EncryptInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    session C_EncryptUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_EncryptFinal(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: *mut CK_ULONG);
    keyed C_DecryptInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    session C_DecryptUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_DecryptFinal(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: *mut CK_ULONG);
    session C_DigestInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM);
    session C_Digest(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_DigestUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_DigestKey(session: CK_SESSION_HANDLE, a2: CK_OBJECT_HANDLE);
    session C_DigestFinal(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: *mut CK_ULONG);
    keyed C_SignInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE);
    session C_SignUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_SignFinal(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: *mut CK_ULONG);
    session C_SignRecoverInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE);
    session C_SignRecover(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_VerifyInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE);
    session C_Verify(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: CK_ULONG);
    session C_VerifyUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_VerifyFinal(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_VerifyRecoverInit(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE);
    session C_VerifyRecover(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_DigestEncryptUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_DecryptDigestUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_SignEncryptUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_DecryptVerifyUpdate(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG, a4: *mut CK_BYTE, a5: *mut CK_ULONG);
    session C_GenerateKey(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: *mut CK_ATTRIBUTE, a4: CK_ULONG, a5: *mut CK_OBJECT_HANDLE);
    session C_GenerateKeyPair(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: *mut CK_ATTRIBUTE, a4: CK_ULONG, a5: *mut CK_ATTRIBUTE, a6: CK_ULONG, a7: *mut CK_OBJECT_HANDLE, a8: *mut CK_OBJECT_HANDLE);
    session C_WrapKey(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE, a4: CK_OBJECT_HANDLE, a5: *mut CK_BYTE, a6: *mut CK_ULONG);
    session C_UnwrapKey(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE, a4: *mut CK_BYTE, a5: CK_ULONG, a6: *mut CK_ATTRIBUTE, a7: CK_ULONG, a8: *mut CK_OBJECT_HANDLE);
    session C_DeriveKey(session: CK_SESSION_HANDLE, a2: *mut CK_MECHANISM, a3: CK_OBJECT_HANDLE, a4: *mut CK_ATTRIBUTE, a5: CK_ULONG, a6: *mut CK_OBJECT_HANDLE);
    session C_SeedRandom(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_GenerateRandom(session: CK_SESSION_HANDLE, a2: *mut CK_BYTE, a3: CK_ULONG);
    session C_GetFunctionStatus(session: CK_SESSION_HANDLE);
    session C_CancelFunction(session: CK_SESSION_HANDLE);
    plain C_WaitForSlotEvent(a1: CK_FLAGS, a2: *mut CK_SLOT_ID, a3: *mut c_void);
}
