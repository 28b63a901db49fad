"""Files of images, arrays and tables → their values, each form in a module of its own."""
