//! What the compiler says to mistakes: each file in `compile_fail` has its message beside it.

#[test]
fn mistakes_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
