-- Defines `:Wright`. Nothing starts before `require('wright').setup()` is called.

if vim.g.loaded_wright then
  return
end
vim.g.loaded_wright = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.api.nvim_create_user_command('Wright', function()
    vim.notify('Wright needs Neovim 0.11, and 0.12 for ghost text', vim.log.levels.ERROR)
  end, { nargs = '*' })
  return
end

local COMMANDS = {
  status = function()
    vim.notify(require('wright.status').sentence())
  end,
  log = function()
    require('wright.log').open()
  end,
  pause = function(language)
    require('wright').pause(language)
  end,
  toggle = function()
    require('wright').toggle()
  end,
  next = function()
    require('wright').next_edit()
  end,
  dismiss = function()
    require('wright').dismiss()
  end,
  restart = function()
    require('wright.server').restart()
  end,
}

local function names(beginning)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, beginning)
  end, vim.fn.sort(vim.tbl_keys(COMMANDS)))
end

vim.api.nvim_create_user_command('Wright', function(call)
  local name, argument = call.fargs[1] or 'status', call.fargs[2]
  local command = COMMANDS[name]
  if command then
    command(argument)
  else
    vim.notify(('no command %q; there are %s'):format(name, table.concat(names(''), ', ')), vim.log.levels.ERROR)
  end
end, {
  nargs = '*',
  desc = 'Wright: status, log, pause, toggle, next, dismiss, restart',
  complete = function(beginning, line)
    return #vim.split(line, '%s+') <= 2 and names(beginning) or {}
  end,
})
