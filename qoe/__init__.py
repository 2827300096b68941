"""Quality of experience: models, indices, attribution, clusters and drops over frames and arrays."""
