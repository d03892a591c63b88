"""Makes roomkin's face embedder: reads the faces, distils the student, quantizes, evaluates and exports it."""
