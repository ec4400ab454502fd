-- The next edit: after a change, asks the server where the following one is likely to be, draws it over the text, and
-- brings the cursor there or applies it when asked.

local server = require('wright.server')
local text = require('wright.text')

local M = {}

local METHOD = 'textDocument/copilotInlineEdit'

-- The server debounces too; this only keeps a burst of keystrokes from becoming a burst of requests.
local ASK_AFTER_MS = 80

-- The cursor is "at" an edit when this close: accepting must not change text that the person is not looking at.
local NEAR_LINES = 1

local namespace = vim.api.nvim_create_namespace('wright.next_edit')

---@class wright.Prediction
---@field edit table The server's edit.
---@field bufnr integer
---@field tick integer The buffer's change counter for which it is right.
---@field range integer[] Start row and column, end row and column; from zero, in bytes.

---@type wright.Prediction?
local current
local asked = { client = nil, id = nil }
local timer

-- What the hint calls the key; setup() knows it.
M.key = ':Wright next'

local function cancel_request()
  if timer then
    timer:stop()
  end
  if asked.client and asked.id then
    asked.client:cancel_request(asked.id)
  end
  asked = { client = nil, id = nil }
end

--- Removes what is drawn and forgets what was asked.
function M.clear()
  cancel_request()
  if current and vim.api.nvim_buf_is_valid(current.bufnr) then
    vim.api.nvim_buf_clear_namespace(current.bufnr, namespace, 0, -1)
  end
  current = nil
end

--- Returns what is predicted, if the text is still the one that it was predicted for.
---@return wright.Prediction?
function M.current()
  if current and vim.api.nvim_buf_is_valid(current.bufnr) then
    if vim.api.nvim_buf_get_changedtick(current.bufnr) == current.tick then
      return current
    end
  end
end

local function is_at_cursor(prediction)
  if vim.api.nvim_get_current_buf() ~= prediction.bufnr then
    return false
  end
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  return row >= prediction.range[1] - NEAR_LINES and row <= prediction.range[3] + NEAR_LINES
end

--- Returns the whole lines that an edit touches, before and after it.
local function lines_of(prediction)
  local start_row, start_col, end_row, end_col = unpack(prediction.range)
  local before = vim.api.nvim_buf_get_lines(prediction.bufnr, start_row, end_row + 1, false)
  local head = (before[1] or ''):sub(1, start_col)
  local tail = (before[#before] or ''):sub(end_col + 1)
  local inserted = prediction.edit.text:gsub('\r\n', '\n')
  return before, vim.split(head .. inserted .. tail, '\n', { plain = true })
end

local function draw_piece(bufnr, row, piece)
  local mark = function(line, col, opts)
    vim.api.nvim_buf_set_extmark(bufnr, namespace, line, col, opts)
  end
  local line = row + piece.row
  if piece.deleted > 0 then
    mark(line, piece.col, { end_col = piece.col + piece.deleted, hl_group = 'WrightDeleted' })
  end
  if piece.inserted ~= '' then
    local virt_text = { { piece.inserted, 'WrightInserted' } }
    mark(line, piece.col + piece.deleted, { virt_text = virt_text, virt_text_pos = 'inline' })
  end
  if piece.added then
    local virt_lines = vim.tbl_map(function(added)
      return { { added, 'WrightInserted' } }
    end, piece.added)
    mark(line, 0, { virt_lines = virt_lines, virt_lines_above = piece.above })
  end
end

local function draw(prediction)
  local bufnr = prediction.bufnr
  vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  local pieces = text.pieces(lines_of(prediction))
  for _, piece in ipairs(pieces) do
    draw_piece(bufnr, prediction.range[1], piece)
  end
  local target = prediction.range[1] + (pieces[1] and pieces[1].row or 0)
  local action = is_at_cursor(prediction) and 'accept' or 'jump'
  local hint = { { ('  %s to %s'):format(M.key, action), 'WrightHint' } }
  vim.api.nvim_buf_set_extmark(bufnr, namespace, target, 0, { virt_text = hint, virt_text_pos = 'eol' })
end

local function byte_range(bufnr, client, range)
  local positions = {}
  for _, position in ipairs({ range.start, range['end'] }) do
    local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1]
    if not line then
      return nil
    end
    table.insert(positions, position.line)
    table.insert(positions, vim.str_byteindex(line, client.offset_encoding, position.character, false))
  end
  return positions
end

--- Makes a prediction of a server's edit, unless it is for another text than the buffer has.
local function prediction_of(bufnr, client, edit)
  local is_ours = edit.textDocument.uri == vim.uri_from_bufnr(bufnr)
  local version = edit.textDocument.version
  if not is_ours or (version ~= vim.NIL and version ~= vim.lsp.util.buf_versions[bufnr]) then
    return nil
  end
  local range = byte_range(bufnr, client, edit.range)
  if not range then
    return nil
  end
  return { edit = edit, bufnr = bufnr, tick = vim.api.nvim_buf_get_changedtick(bufnr), range = range }
end

local function show(bufnr, client, edit)
  local prediction = prediction_of(bufnr, client, edit)
  if not prediction or bufnr ~= vim.api.nvim_get_current_buf() then
    return
  end
  M.clear()
  current = prediction
  draw(prediction)
  client:notify('textDocument/didShowInlineEdit', { item = edit })
end

local function ask(bufnr)
  local client = server.client(bufnr)
  if not client or bufnr ~= vim.api.nvim_get_current_buf() then
    return
  end
  cancel_request()
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(bufnr), version = vim.lsp.util.buf_versions[bufnr] },
    position = vim.lsp.util.make_position_params(0, client.offset_encoding).position,
    context = { triggerKind = 2 },
  }
  local is_sent, id = client:request(METHOD, params, function(err, result)
    local edit = not err and result and result ~= vim.NIL and (result.edits or {})[1]
    if edit and vim.api.nvim_buf_is_valid(bufnr) and vim.api.nvim_buf_get_changedtick(bufnr) == tick then
      show(bufnr, client, edit)
    end
  end, bufnr)
  if is_sent then
    asked = { client = client, id = id }
  end
end

-- Whoever takes a change back does not want it, or the next one like it, offered again at once.
local function is_undoing(bufnr)
  local tree = vim.fn.undotree(bufnr)
  return tree.seq_cur < tree.seq_last
end

--- Asks for the next edit after a change.
---@param bufnr integer
function M.changed(bufnr)
  M.clear()
  if is_undoing(bufnr) then
    return
  end
  timer = timer or assert(vim.uv.new_timer())
  timer:start(ASK_AFTER_MS, 0, vim.schedule_wrap(function()
    ask(bufnr)
  end))
end

--- Draws the hint anew: it says whether the cursor is at the edit.
function M.moved()
  local prediction = M.current()
  if prediction and prediction.bufnr == vim.api.nvim_get_current_buf() then
    draw(prediction)
  end
end

local function jump(prediction)
  local piece = text.pieces(lines_of(prediction))[1] or { row = 0, col = 0, deleted = 0 }
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { prediction.range[1] + piece.row + 1, piece.col + piece.deleted })
  draw(prediction)
end

local function accept(prediction)
  local bufnr, edit = prediction.bufnr, prediction.edit
  local start_row, start_col, end_row, end_col = unpack(prediction.range)
  local inserted = edit.text:gsub('\r\n', '\n')
  M.clear()
  local lines = vim.split(inserted, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, start_row, start_col, end_row, end_col, lines)
  local row, col = text.after(start_row, start_col, inserted)
  vim.api.nvim_win_set_cursor(0, { row + 1, col })
  local client = server.client(bufnr)
  if client then
    server.execute(client, edit.command, bufnr)
  end
end

--- Jumps to the predicted edit; when the cursor is there, accepts it. Safe in an `<expr>` mapping.
---@return boolean was_shown
function M.go()
  local prediction = M.current()
  if not prediction or prediction.bufnr ~= vim.api.nvim_get_current_buf() then
    return false
  end
  vim.schedule(function()
    if M.current() == prediction then
      (is_at_cursor(prediction) and accept or jump)(prediction)
    end
  end)
  return true
end

--- Removes the predicted edit and tells the server that it was not wanted.
---@return boolean was_shown
function M.dismiss()
  local prediction = M.current()
  M.clear()
  if not prediction then
    return false
  end
  server.notify(prediction.bufnr, 'wright/dismissed', { id = server.id_of(prediction.edit) })
  return true
end

return M
