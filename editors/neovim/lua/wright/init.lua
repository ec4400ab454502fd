-- Wright in Neovim: settings, what happens when the server attaches to a buffer, and the functions for mappings.
--
-- Ghost text is in inline.lua, predicted edits in next_edit.lua, the connection in server.lua.

local inline = require('wright.inline')
local next_edit = require('wright.next_edit')
local server = require('wright.server')
local status = require('wright.status')

local M = {}

--- The keys that `keys = true` maps.
M.KEYS = {
  accept = '<Tab>',
  accept_word = '<M-Right>',
  accept_line = '<M-Down>',
  next = '<M-n>',
  previous = '<M-p>',
  dismiss = '<C-]>',
}

M.options = {
  cmd = { 'wright', 'lsp' },
  root_markers = { '.git' },
  filetypes = nil,
  inline_completion = true,
  next_edit = true,
  keys = false,
  settings = {
    eagerness = 'medium',
    multiline = true,
    telemetry = true,
    disabledLanguages = {},
  },
}

local augroup = vim.api.nvim_create_augroup('wright', { clear = true })
local is_on = true
local has_warned = false

--- Returns the settings as the server is told.
---@return table
function M.server_settings()
  local settings = vim.deepcopy(M.options.settings)
  settings.nextEdit = M.options.next_edit
  return settings
end

local function warn_of_old_version()
  if M.options.inline_completion and not inline.is_supported() and not has_warned then
    has_warned = true
    local message = 'Wright: ghost text needs Neovim 0.12, and this is %s. Next edits, code actions and :Wright work.'
    vim.notify(message:format(tostring(vim.version())), vim.log.levels.WARN)
  end
end

local function on_buffer(events, bufnr, callback)
  vim.api.nvim_create_autocmd(events, { group = augroup, buffer = bufnr, callback = callback })
end

local function attach(client, bufnr)
  vim.api.nvim_clear_autocmds({ group = augroup, buffer = bufnr })
  local is_offered = client.server_capabilities.inlineCompletionProvider
  if M.options.inline_completion and is_offered then
    inline.enable(bufnr, is_on)
  end
  local focused = function()
    server.notify(bufnr, 'textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(bufnr) } })
  end
  on_buffer('BufEnter', bufnr, focused)
  focused()
  on_buffer('BufLeave', bufnr, next_edit.clear)
  on_buffer('BufWipeout', bufnr, function()
    inline.forget(bufnr)
  end)
  if M.options.next_edit then
    on_buffer({ 'TextChanged', 'TextChangedI' }, bufnr, function()
      if is_on then
        next_edit.changed(bufnr)
      end
    end)
    on_buffer({ 'CursorMoved', 'CursorMovedI' }, bufnr, next_edit.moved)
  end
end

local function config()
  return {
    cmd = M.options.cmd,
    root_dir = function(bufnr, start)
      server.root(bufnr, M.options.root_markers, start)
    end,
    reuse_client = server.reuse,
    filetypes = M.options.filetypes,
    init_options = { wright = M.server_settings() },
    settings = { wright = M.server_settings() },
    handlers = { ['wright/status'] = status.handler },
    on_init = function(client)
      inline.observe(client)
    end,
    on_attach = attach,
    on_exit = function(code)
      vim.schedule(function()
        next_edit.clear()
        status.stopped(code)
      end)
    end,
  }
end

local function set_highlights()
  local link = function(name, target)
    vim.api.nvim_set_hl(0, name, { link = target, default = true })
  end
  link('WrightInserted', vim.fn.hlexists('ComplHint') == 1 and 'ComplHint' or 'DiffAdd')
  link('WrightHint', 'NonText')
  local deleted = vim.api.nvim_get_hl(0, { name = 'DiffDelete', link = false })
  vim.api.nvim_set_hl(0, 'WrightDeleted', { strikethrough = true, fg = deleted.fg, bg = deleted.bg, default = true })
end

--- Maps a key in a mode; the key keeps its meaning where there is nothing for us to do.
local function map(mode, key, description, act)
  vim.keymap.set(mode, key, function()
    return act() and '' or key
  end, { expr = true, silent = true, desc = 'Wright: ' .. description })
end

local function set_keys()
  local keys = M.options.keys == true and M.KEYS or M.options.keys or {}
  local when = function(name, mode, description, act)
    if keys[name] then
      map(mode, keys[name], description, act)
    end
  end
  when('accept', 'i', 'accept the suggestion, or go to the next edit', M.accept)
  when('accept', 'n', 'go to the next edit', M.next_edit)
  when('accept_word', 'i', 'accept the next word', M.accept_word)
  when('accept_line', 'i', 'accept the next line', M.accept_line)
  when('next', 'i', 'show the next suggestion', M.next)
  when('previous', 'i', 'show the previous suggestion', M.previous)
  when('dismiss', { 'i', 'n' }, 'dismiss what is shown', M.dismiss)
  next_edit.key = keys.accept or ':Wright next'
end

--- Starts Wright. Without options, no key is mapped.
---@param options? table See |wright-options|.
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('Wright needs Neovim 0.11, and 0.12 for ghost text', vim.log.levels.ERROR)
    return
  end
  M.options = vim.tbl_deep_extend('force', M.options, options or {})
  set_highlights()
  vim.api.nvim_create_autocmd('ColorScheme', { group = augroup, callback = set_highlights })
  set_keys()
  warn_of_old_version()
  vim.lsp.config(server.NAME, config())
  vim.lsp.enable(server.NAME)
end

--- Accepts the suggestion; without one, goes to the next edit.
---@return boolean was_shown Whether there was anything to do; otherwise a mapping does what the key means elsewhere.
function M.accept()
  return inline.accept() or next_edit.go()
end

--- Accepts the next word of the suggestion.
---@return boolean was_shown
function M.accept_word()
  return inline.accept_word()
end

--- Accepts the suggestion up to the end of a line.
---@return boolean was_shown
function M.accept_line()
  return inline.accept_line()
end

--- Shows the next suggestion for the same place.
---@return boolean
function M.next()
  vim.schedule(function()
    inline.select(1)
  end)
  return true
end

--- Shows the previous suggestion for the same place.
---@return boolean
function M.previous()
  vim.schedule(function()
    inline.select(-1)
  end)
  return true
end

--- Jumps to the predicted edit; there, accepts it.
---@return boolean was_shown
function M.next_edit()
  return next_edit.go()
end

--- Dismisses the suggestion, or the predicted edit.
---@return boolean was_shown
function M.dismiss()
  local was_shown = inline.dismiss()
  if not was_shown and next_edit.current() then
    vim.schedule(next_edit.dismiss)
    return true
  end
  return was_shown
end

--- Turns suggestions on or off everywhere.
function M.toggle()
  is_on = not is_on
  next_edit.clear()
  for _, client in ipairs(vim.lsp.get_clients({ name = server.NAME })) do
    for bufnr in pairs(client.attached_buffers) do
      inline.enable(bufnr, is_on and M.options.inline_completion)
    end
  end
  vim.notify(is_on and 'Wright: suggestions are on' or 'Wright: suggestions are off')
end

--- Turns suggestions in a language off, or on again.
---@param language? string By default the language of the buffer.
function M.pause(language)
  language = language and language ~= '' and language or vim.bo.filetype
  local languages = M.options.settings.disabledLanguages
  local is_paused = vim.list_contains(languages, language)
  M.options.settings.disabledLanguages = is_paused
      and vim.tbl_filter(function(other)
        return other ~= language
      end, languages)
    or vim.list_extend({ language }, languages)
  next_edit.clear()
  server.configure(M.server_settings())
  vim.notify(('Wright: suggestions are %s for %s'):format(is_paused and 'on again' or 'off', language))
end

--- Returns a few characters for a status line.
---@return string
function M.status()
  return status.line()
end

return M
