//! A PKCS#11 module that makes faults on demand in front of a real one.
