-- The plain configuration, for `vim.lsp.enable('wright')` without setup(): suggestions, but no reports of what became of
-- them, no next edits and no status.

return {
  cmd = { 'wright', 'lsp' },
  root_markers = { '.git' },
}
