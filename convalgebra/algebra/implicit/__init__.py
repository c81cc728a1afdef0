"""The polynomial equations that hold on the image of a stack, found by linear algebra."""
