-- Text and positions, as values: which part of a suggestion is a word, how long it is in UTF-16, what differs between two
-- texts. Nothing here looks at a buffer.

local M = {}

--- Returns the length of a text in UTF-16 code units, which is how the protocol counts.
---@param text string
---@return integer
function M.utf16_length(text)
  return vim.str_utfindex(text, 'utf-16')
end

--- Returns the beginning of a text up to the end of its first word: blanks, then letters or one run of other signs.
---@param text string
---@return string
function M.first_word(text)
  local blanks = text:match('^%s*')
  local rest = text:sub(#blanks + 1)
  -- Bytes above ASCII belong to letters of other scripts, and are never cut apart here.
  local word = rest:match('^[%w_\128-\255]+') or rest:match('^[^%w%s_\128-\255]+') or ''
  return blanks .. word
end

--- Returns the beginning of a text up to the end of its first line that is not blank.
---@param text string
---@return string
function M.first_line(text)
  return text:match('^%s*[^\n]*')
end

--- Returns the position after a text that was inserted at a position. Rows and columns count from zero, columns in bytes.
---@param row integer
---@param col integer
---@param text string
---@return integer row, integer col
function M.after(row, col, text)
  local lines = vim.split(text, '\n', { plain = true })
  if #lines == 1 then
    return row, col + #text
  end
  return row + #lines - 1, #lines[#lines]
end

---@class wright.Piece
---@field row integer The line of the old text, from zero.
---@field col integer In bytes.
---@field deleted integer How many bytes of this line go.
---@field inserted string What comes in their place.
---@field added? string[] Whole lines that come below this one, or above it with `above`.
---@field above? boolean

--- Returns the start byte of the character that contains a byte, counting from one.
local function char_start(text, idx)
  return idx + vim.str_utf_start(text, idx)
end

--- Cuts what two lines share at both ends, and returns what is between, never a part of a character.
local function changed_part(row, before, after)
  local shorter = math.min(#before, #after)
  local head = 0
  while head < shorter and before:byte(head + 1) == after:byte(head + 1) do
    head = head + 1
  end
  if head < #before then
    head = math.min(head, char_start(before, head + 1) - 1)
  end
  if head < #after then
    head = math.min(head, char_start(after, head + 1) - 1)
  end
  local tail = 0
  while tail < shorter - head and before:byte(#before - tail) == after:byte(#after - tail) do
    tail = tail + 1
  end
  while tail > 0 and char_start(before, #before - tail + 1) ~= #before - tail + 1 do
    tail = tail - 1
  end
  return {
    row = row,
    col = head,
    deleted = #before - tail - head,
    inserted = after:sub(head + 1, #after - tail),
  }
end

--- Returns the pieces that turn some lines into others, for drawing the change over the lines as they are.
---@param before string[]
---@param after string[]
---@return wright.Piece[]
function M.pieces(before, after)
  local diff = vim.text and vim.text.diff or vim.diff
  local joined = function(lines)
    return table.concat(lines, '\n') .. '\n'
  end
  local pieces = {}
  for _, hunk in ipairs(diff(joined(before), joined(after), { result_type = 'indices' })) do
    local old_start, n_old, new_start, n_new = unpack(hunk)
    local n_paired = math.min(n_old, n_new)
    for idx = 0, n_paired - 1 do
      local piece = changed_part(old_start - 1 + idx, before[old_start + idx], after[new_start + idx])
      table.insert(pieces, piece)
    end
    for idx = n_paired, n_old - 1 do
      local line = before[old_start + idx]
      table.insert(pieces, { row = old_start - 1 + idx, col = 0, deleted = #line, inserted = '' })
    end
    if n_new > n_old then
      -- A hunk without old lines starts after the line that it names.
      local above = n_old == 0 and old_start - 1 or old_start + n_old - 2
      table.insert(pieces, {
        row = math.max(above, 0),
        col = 0,
        deleted = 0,
        inserted = '',
        added = vim.list_slice(after, new_start + n_paired, new_start + n_new - 1),
        above = above < 0,
      })
    end
  end
  return pieces
end

return M
