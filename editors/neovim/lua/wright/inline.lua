-- Ghost text. Neovim 0.12 asks for it, shows it and inserts it; this file tells the server what became of it, and accepts
-- words and lines, for which Neovim has no function.

local server = require('wright.server')
local text = require('wright.text')

local M = {}

local METHOD = 'textDocument/inlineCompletion'

---@class wright.Offer
---@field client_id integer
---@field items lsp.InlineCompletionItem[]
---@field index integer Which item is shown.
---@field last_shown? any The id of the item that was last reported as shown.

---@type table<integer, wright.Offer>
local offers = {}

--- Tells whether this Neovim can show ghost text.
---@return boolean
function M.is_supported()
  return vim.lsp.inline_completion ~= nil
end

--- Turns ghost text on or off in a buffer.
---@param bufnr integer
---@param is_on boolean
function M.enable(bufnr, is_on)
  if M.is_supported() then
    vim.lsp.inline_completion.enable(is_on, { bufnr = bufnr })
  end
end

--- Tells whether ghost text is on screen in a buffer.
local function is_visible(bufnr)
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  return namespace ~= nil and #vim.api.nvim_buf_get_extmarks(bufnr, namespace, 0, -1, { limit = 1 }) > 0
end

-- While a person types what the suggestion says, the server sends it again under the same id: one sight, one report.
local function report_shown(bufnr)
  local offer = offers[bufnr]
  local item = offer and offer.items[offer.index]
  local id = item and server.id_of(item)
  if id == nil or id == offer.last_shown or not is_visible(bufnr) then
    return
  end
  offer.last_shown = id
  server.notify(bufnr, 'textDocument/didShowCompletion', { item = item })
end

local function remember(bufnr, client_id, result)
  local items = result and (result.items or result) or {}
  local before = offers[bufnr]
  offers[bufnr] = { client_id = client_id, items = items, index = 1, last_shown = before and before.last_shown }
end

--- Listens to the answers that Neovim's own module gets: it has no event for them.
---@param client vim.lsp.Client
function M.observe(client)
  local request = client.request
  client.request = function(self, method, params, handler, bufnr)
    if method == METHOD and handler then
      local inner = handler
      handler = function(err, result, ctx, ...)
        inner(err, result, ctx, ...)
        local buffer = ctx and ctx.bufnr or bufnr
        if not err and buffer and vim.api.nvim_buf_is_valid(buffer) then
          remember(buffer, client.id, result ~= vim.NIL and result or nil)
          report_shown(buffer)
        end
      end
    end
    return request(self, method, params, handler, bufnr)
  end
end

--- Forgets what was offered in a buffer.
---@param bufnr integer
function M.forget(bufnr)
  offers[bufnr] = nil
end

--- Accepts the whole suggestion.
---@return boolean was_shown
function M.accept()
  return M.is_supported() and vim.lsp.inline_completion.get() or false
end

local function byte_position(bufnr, client, position)
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  return position.line, vim.str_byteindex(line, client.offset_encoding, position.character, false)
end

--- Puts a text in place of a range of bytes, and the cursor behind it.
local function replace(bufnr, range, inserted)
  local start_row, start_col, end_row, end_col = unpack(range)
  vim.api.nvim_buf_set_text(bufnr, start_row, start_col, end_row, end_col, vim.split(inserted, '\n', { plain = true }))
  local row, col = text.after(start_row, start_col, inserted)
  vim.api.nvim_win_set_cursor(0, { row + 1, col })
end

--- Accepts a part of an item: the part of what is not yet typed that `cut` returns.
local function accept_part(bufnr, offer, item, cut)
  local client = vim.lsp.get_client_by_id(offer.client_id)
  local whole = item.insertText
  if not client or type(whole) ~= 'string' then
    return
  end
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, col = cursor[1] - 1, cursor[2]
  local range = { row, col, row, col }
  if item.range then
    local start_row, start_col = byte_position(bufnr, client, item.range.start)
    local end_row, end_col = byte_position(bufnr, client, item.range['end'])
    range = { start_row, start_col, end_row, end_col }
  end
  local typed = vim.api.nvim_buf_get_text(bufnr, row, math.min(range[2], col), row, col, {})[1]
  if range[1] ~= row or not vim.startswith(whole, typed) then
    -- A suggestion that rewrites what was typed has no first word.
    replace(bufnr, range, whole)
    return server.execute(client, item.command, bufnr)
  end
  local rest = whole:sub(#typed + 1)
  local part = cut(rest)
  if #part >= #rest then
    replace(bufnr, range, whole)
    return server.execute(client, item.command, bufnr)
  end
  replace(bufnr, { row, col, row, col }, part)
  client:notify('textDocument/didPartiallyAcceptCompletion', {
    item = item,
    acceptedLength = text.utf16_length(typed .. part),
  })
end

--- Finds which of our items Neovim calls the current one.
local function item_of(bufnr, current)
  local offer = offers[bufnr]
  if not offer or current.client_id ~= offer.client_id then
    return nil
  end
  for _, item in ipairs(offer.items) do
    if item.insertText == current.insert_text and server.id_of(item) == server.id_of(current) then
      return offer, item
    end
  end
end

local function accept_cut(cut)
  if not M.is_supported() then
    return false
  end
  local bufnr = vim.api.nvim_get_current_buf()
  return vim.lsp.inline_completion.get({
    on_accept = function(current)
      local offer, item = item_of(bufnr, current)
      if offer then
        accept_part(bufnr, offer, item, cut)
      end
    end,
  })
end

--- Accepts the next word of the suggestion.
---@return boolean was_shown
function M.accept_word()
  return accept_cut(text.first_word)
end

--- Accepts the suggestion up to the end of a line.
---@return boolean was_shown
function M.accept_line()
  return accept_cut(text.first_line)
end

--- Hides the suggestion and tells the server that it was not wanted.
---@return boolean was_shown
function M.dismiss()
  if not M.is_supported() then
    return false
  end
  local bufnr = vim.api.nvim_get_current_buf()
  return vim.lsp.inline_completion.get({
    -- Neovim has hidden the item when it calls this; not inserting it is all that is left to do.
    on_accept = function(current)
      local offer = item_of(bufnr, current)
      if offer then
        server.notify(bufnr, 'wright/dismissed', { id = server.id_of(current) })
      end
    end,
  })
end

--- Shows another suggestion.
---@param count integer How many to move by; negative moves back.
function M.select(count)
  local bufnr = vim.api.nvim_get_current_buf()
  local offer = offers[bufnr]
  if not M.is_supported() or not offer or #offer.items == 0 then
    return
  end
  vim.lsp.inline_completion.select({ count = count })
  offer.index = (offer.index - 1 + count) % #offer.items + 1
  report_shown(bufnr)
end

return M
