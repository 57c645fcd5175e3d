"""What is computed: pure functions first, thin PTransforms over them."""
