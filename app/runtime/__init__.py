"""Running a model: predictors, ONNX Runtime, golden rows, explanations, and the thread pool for long calls."""
