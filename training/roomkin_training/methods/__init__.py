"""Ways to learn faces, each trained on the same faces with the same budget and measured by the same protocols."""
