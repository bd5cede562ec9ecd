"""The reader that ships: how knowledge/models/reader.int8.onnx was trained."""
