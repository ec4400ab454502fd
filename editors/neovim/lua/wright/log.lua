-- Shows why nothing was suggested, as the server remembers it.

local server = require('wright.server')

local M = {}

local function line_of(entry)
  local parts = { (entry.at or ''):sub(12, 19), ('%-22s'):format(entry.reason) }
  local add = function(value, unit)
    if value ~= nil and value ~= vim.NIL and value ~= '' then
      table.insert(parts, (tostring(value):gsub('\n', ' ')) .. (unit or ''))
    end
  end
  add(entry.language)
  add(entry.milliseconds, ' ms')
  add(entry.detail)
  return table.concat(parts, '  ')
end

--- Returns the lines of the log, newest first.
---@param entries table[]
---@return string[]
function M.lines(entries)
  local lines = { 'Why nothing was shown, newest first', '' }
  for idx = #entries, 1, -1 do
    table.insert(lines, line_of(entries[idx]))
  end
  if #entries == 0 then
    table.insert(lines, 'Every recent request ended with a suggestion, or there was none.')
  end
  return lines
end

--- Opens the log in a split.
function M.open()
  local client = server.client() -- Of any buffer: the log is the server's.
  if not client then
    vim.notify('Wright does not run; :checkhealth wright says why', vim.log.levels.WARN)
    return
  end
  client:request('wright/log', vim.empty_dict(), function(err, result)
    if err then
      vim.notify('Wright: ' .. err.message, vim.log.levels.ERROR)
      return
    end
    vim.cmd('botright 10new')
    vim.api.nvim_buf_set_lines(0, 0, -1, false, M.lines(result ~= vim.NIL and result or {}))
    vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile, vim.bo.modifiable = 'nofile', 'wipe', false, false
    vim.bo.filetype = 'wrightlog'
    vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = true, nowait = true })
  end)
end

return M
