//! Nothing: the tests are in `golden/`, one folder a case.
