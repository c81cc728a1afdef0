"""Results -> text, JSON, CSV, Markdown, LaTeX, HTML. No arithmetic."""
